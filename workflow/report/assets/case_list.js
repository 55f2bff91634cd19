// The list of cases: search, filters and order over all rows of cases.js, a hundred of them in the page at a time.
"use strict";
document.documentElement.classList.add("scripts");
(function () {
  const ROWS = 100;
  const { columns, rows, digits } = window.CASES;
  const unlinked = new Set(window.CASES.without_page);
  const at = Object.fromEntries(columns.map((name, position) => [name, position]));
  const table = document.getElementById("cases");
  const body = table.tBodies[0];
  const form = document.getElementById("filters");
  const heads = [...table.tHead.rows[0].cells];
  const numeric = heads.map((head) => head.classList.contains("number"));
  const words = new Intl.Collator("en", { numeric: true });
  const texts = rows.map(() => null);
  const ranks = {};
  let state = {};
  let listed = [];

  // What the address says: search, filters, order (sort, -sort for descending) and page.
  function read() {
    const found = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    return { ...found, page: Math.max(1, parseInt(found.page, 10) || 1) };
  }

  function address() {
    const kept = Object.entries(state).filter(([name, value]) => value && !(name === "page" && value === 1));
    return "#" + new URLSearchParams(kept);
  }

  function change(changes) {
    state = { ...state, page: 1, ...changes };
    history.replaceState(null, "", address());
    render();
  }

  function searched(position) {
    texts[position] ??= rows[position].filter((cell) => typeof cell === "string").join(" ").toLowerCase();
    return texts[position];
  }

  // The positions of the rows that the filters let through, in the order of the study's sheets.
  function filtered() {
    const tests = [];
    for (const name of ["partition", "label", "scanner"]) {
      if (state[name]) tests.push((row) => row[at[name]] === state[name]);
    }
    // "excluded" is every exclusion, "excluded at mask: too dark" one kind of it.
    if (state.status) tests.push((row) => [row[at.status], row[at.status].split(" ")[0]].includes(state.status));
    if (state.flags) tests.push((row) => row[at.flags].split(", ").includes(state.flags));
    const [low, high] = [parseFloat(state.from), parseFloat(state.to)];
    const dice = at.dice_network;
    if (!isNaN(low)) tests.push((row) => row[dice] !== null && row[dice] >= low);
    if (!isNaN(high)) tests.push((row) => row[dice] !== null && row[dice] <= high);
    for (const word of (state.text || "").toLowerCase().split(/\s+/).filter(Boolean)) {
      tests.push((row, position) => searched(position).includes(word));
    }
    const found = [];
    rows.forEach((row, position) => tests.every((test) => test(row, position)) && found.push(position));
    return found;
  }

  // Each row's place by a column: words as people order them (E2 before E10), computed once.
  function places(column) {
    if (!ranks[column]) {
      const cells = rows.map((row) => row[column]);
      const known = [...new Set(cells)].filter((cell) => cell !== null && cell !== "");
      known.sort(numeric[column] ? (a, b) => a - b : words.compare);
      const rank = new Map(known.map((cell, place) => [cell, place]));
      ranks[column] = cells.map((cell) => rank.get(cell) ?? -1);
    }
    return ranks[column];
  }

  function sorted(positions) {
    const column = at[(state.sort || "").replace(/^-/, "")];
    if (column === undefined) return positions;
    const place = places(column);
    const sign = state.sort.startsWith("-") ? -1 : 1;
    // A case without a value comes last in both directions; equal ones keep the order of the sheets.
    return positions.sort((a, b) => (place[a] < 0) - (place[b] < 0) || sign * (place[a] - place[b]) || a - b);
  }

  // A cell as the page writes it without scripts.
  function said(cell, name) {
    if (cell === null) return "";
    if (!(name in digits)) return String(cell);
    const text = cell.toFixed(digits[name]);
    const own = Number(text) === 0 ? text.replace("-", "") : text;
    return (name === "difference" && !own.startsWith("-") ? "+" + own : own).replace("-", "−");
  }

  function line(row) {
    const made = document.createElement("tr");
    made.tabIndex = -1;
    row.forEach((value, column) => {
      const cell = document.createElement(column ? "td" : "th");
      if (numeric[column]) cell.className = "number";
      if (column) {
        cell.textContent = said(value, columns[column]);
      } else {
        cell.scope = "row";
        const own = unlinked.has(value) ? cell : cell.appendChild(document.createElement("a"));
        if (own !== cell) own.href = `cases/${value}.html`;
        own.textContent = value;
      }
      made.append(cell);
    });
    return made;
  }

  function render() {
    listed = sorted(filtered());
    const pages = Math.max(1, Math.ceil(listed.length / ROWS));
    const page = Math.min(state.page, pages);
    body.replaceChildren(...listed.slice((page - 1) * ROWS, page * ROWS).map((position) => line(rows[position])));
    const counted = [listed.length, rows.length].map((count) => count.toLocaleString("en"));
    document.getElementById("count").textContent = `${counted[0]} of ${counted[1]} cases`;
    document.getElementById("page").textContent = `page ${page} of ${pages}`;
    document.getElementById("page-before").disabled = page === 1;
    document.getElementById("page-after").disabled = page === pages;
    for (const head of heads) {
      const own = (state.sort || "").replace(/^-/, "") === head.dataset.column;
      head.setAttribute("aria-sort", !own ? "none" : state.sort.startsWith("-") ? "descending" : "ascending");
    }
  }

  function fill() {
    state = read();
    for (const field of form.querySelectorAll("[name]")) field.value = state[field.name] || "";
    render();
  }

  function turn(by) {
    change({ page: state.page + by });
  }

  // The next row, or the one before; over the edge of a page, its neighbour's.
  function move(row, by) {
    const next = by > 0 ? row.nextElementSibling : row.previousElementSibling;
    const button = document.getElementById(by > 0 ? "page-after" : "page-before");
    if (next) return next.focus();
    if (button.disabled) return;
    turn(by);
    (by > 0 ? body.firstElementChild : body.lastElementChild).focus();
  }

  function save() {
    const lines = [columns, ...listed.map((position) => rows[position])];
    const saved = lines.map((cells) => cells.map((cell) => cell ?? "").join("\t")).join("\n") + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([saved], { type: "text/tab-separated-values" }));
    link.download = "cases.tsv";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    const name = head.dataset.column;
    button.onclick = () => change({ sort: state.sort === name ? "-" + name : name });
    head.append(button);
  }
  form.addEventListener("input", (event) => change({ [event.target.name]: event.target.value }));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    state = { sort: state.sort };
    change({});
  });
  document.getElementById("page-before").onclick = () => turn(-1);
  document.getElementById("page-after").onclick = () => turn(1);
  document.getElementById("export").onclick = save;
  window.addEventListener("hashchange", fill);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = event.target.closest("#cases tbody tr");
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "/" && !event.target.closest("input, select")) form.elements.text.focus();
    else if (by && row) move(row, by);
    else if (event.key === "ArrowDown" && event.target.name === "text") body.firstElementChild?.focus();
    else if (event.key === "Enter" && event.target === row) row.querySelector("a")?.click();
    else return;
    event.preventDefault();
  });
  // The case pages go through the cases in this order (neighbours.js).
  window.addEventListener("pagehide", () => {
    const order = listed.map((position) => rows[position][0]).filter((breast) => !unlinked.has(breast));
    try {
      const key = "cases " + new URL(".", location.href).pathname;
      sessionStorage.setItem(key, JSON.stringify({ order, address: location.hash }));
    } catch (error) {
      // The browser stores nothing for pages from disk, or this is too much: the sheets' order stays.
    }
  });
  fill();
})();
