"use strict";
// Deciding on cases by keys or buttons. What was decided is a list of rows (`actions`) laid over the study's decisions
// sheet, or over the file that was loaded in its place; the browser keeps it under the study's name until the sheet
// holds it, with what the sheet said `before` of these exams, so that nothing overrides what others write later.
(() => {
  const data = JSON.parse(document.getElementById("quality-data").textContent);
  const sheet = window.decisionsSheet;
  const the = (name) => document.getElementById(name);
  const all = [...document.querySelectorAll("article.case")];
  const dialog = the("why");
  const key = `radparity decisions of ${data.study}`;
  const SAID = { keep: "kept", exclude: "excluded", hold: "on hold" };
  let state = { who: "", loaded: null, over: 0, actions: [], before: {} };
  let rows = data.rows;
  let asking = null;
  let stored = true;

  function restore() {
    try {
      localStorage.setItem(`${key}, writable`, "yes");
      localStorage.removeItem(`${key}, writable`);
      state = { ...state, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
    } catch { stored = false; }
    the("said").textContent = [unload(), settle()].filter(Boolean).join(" ");
    store();
  }

  // A file stands in the place of the sheet that it was loaded over, of no later one.
  function unload() {
    if (!state.loaded || state.over === mark) return "";
    const decided = new Set(state.actions.map((row) => row.exam));
    const lost = new Set(state.loaded.filter((row) => fresh(row) && !decided.has(row.exam)).map((row) => row.exam));
    state.loaded = null;
    const names = [...lost].join(", ");
    return names && `The study's sheet has changed since a file was loaded, and lacks the file's rows on ${names}.`;
  }

  // What has arrived in the sheet is no longer to be said here, nor what others have decided otherwise since.
  function settle() {
    const made = grouped(state.actions), today = grouped(base()), lost = [];
    const stay = new Set();
    for (const [exam, own] of made) {
      const left = sheet.left(state.before[exam] ?? [], own, today.get(exam) ?? [], data.exams);
      for (const row of left ?? []) stay.add(row);
      if (!left) lost.push(exam);
    }
    state.actions = state.actions.filter((row) => stay.has(row));
    return lost.length ? `Somebody else has decided on ${lost.join(", ")} since: the sheet counts, look again.` : "";
  }

  function store() {
    const own = grouped(base());
    state.before = Object.fromEntries(state.actions.map(({ exam }) => [exam, own.get(exam) ?? []]));
    try { localStorage.setItem(key, JSON.stringify(state)); } catch { stored = false; }
    the("storage").hidden = stored;
  }

  const base = () => state.loaded ?? data.rows;
  const known = new Set(data.rows.map(sheet.text));
  const fresh = (row) => !known.has(sheet.text(row));
  const mark = [...known].join().split("").reduce((sum, sign) => (Math.imul(sum, 31) + sign.charCodeAt(0)) | 0, 1);
  const pending = () => rows.filter(fresh).length;
  const visible = () => [...the("looks").querySelectorAll("li:not([hidden]) > article.case")];
  const current = () => document.activeElement?.closest?.("article.case");

  function grouped(some) {
    const own = new Map();
    for (const row of some) own.set(row.exam, [...(own.get(row.exam) ?? []), row]);
    return own;
  }

  function lay() {
    rows = sheet.lay(base(), state.actions, data.exams);
    draw();
  }

  function draw() {
    const own = grouped(rows);
    let seen = 0;
    for (const article of all) {
      const { exam, breast } = article.dataset;
      const row = sheet.looked(own.get(exam) ?? [], exam, breast);
      seen += Boolean(row);
      article.dataset.verdict = row?.verdict ?? "";
      const said = row && `${row.breast ? "" : `whole exam ${row.exam} `}${SAID[row.verdict]} by ${row.who}`;
      article.querySelector(".state").textContent = !row ? "" : row.verdict === "keep" ? said : `${said}: ${row.reason}`;
      for (const button of article.querySelectorAll("button"))
        button.setAttribute("aria-pressed", String(button.dataset.verdict === row?.verdict));
      article.parentElement.hidden = the("unseen").checked && Boolean(row) && article !== current();
    }
    const left = pending();
    the("progress").textContent = `${seen} of ${all.length} looked at` + (left ? `; ${left} not in the study's sheet yet` : "");
    the("undo").disabled = !state.actions.length;
    the("forget").disabled = !state.actions.length && !state.loaded;
  }

  function order() {
    const kind = document.querySelector("input[name=kind]:checked").value;
    const place = (article) => (kind ? JSON.parse(article.dataset.places)[kind] : all.indexOf(article));
    the("looks").append(...[...all].sort((a, b) => place(a) - place(b)).map((article) => article.parentElement));
  }

  // One row is in the order of the Tab key: the one that was focused last.
  function focus(article) {
    if (!article) return;
    for (const other of all) other.tabIndex = other === article ? 0 : -1;
    article.focus();
    article.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const shown = visible(), at = shown.indexOf(current());
    focus(at < 0 ? shown[0] : shown[at + by]);
  }

  const today = () => {
    const now = new Date(), two = (number) => String(number).padStart(2, "0");
    return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  };

  function record(article, verdict, reason, whole) {
    const { breast, exam } = article.dataset;
    const row = { exam, ...(whole ? {} : { breast }), verdict, reason, who: state.who, date: today() };
    const shown = visible(), next = shown[shown.indexOf(article) + 1];
    state.actions.push(row);
    rows = sheet.add(rows, row, data.exams);
    store();
    focus(next ?? article);
    draw();
    the("said").textContent = `${whole ? `Exam ${exam}` : breast} ${SAID[verdict]}.`;
  }

  function decide(article, verdict) {
    if (verdict === "keep" && state.who) { record(article, verdict, "looked at", false); return; }
    asking = { article, verdict };
    const { breast, exam, partition } = article.dataset;
    the("why-title").textContent = `${verdict[0].toUpperCase()}${verdict.slice(1)} ${breast}`;
    the("scope").hidden = verdict === "keep" || (data.exams[exam] ?? []).length < 2;
    document.querySelector("input[name=scope][value=breast]").checked = true;
    the("why-field").hidden = verdict === "keep";
    the("who-field").hidden = Boolean(state.who);
    if (the("deviation")) the("deviation").hidden = verdict === "keep" || partition !== "test";
    the("reason").value = "";
    complain("");
    dialog.showModal();
    (verdict === "keep" ? the("asked") : the("reason")).focus();
  }

  function complain(text, field) {
    the("why-fault").textContent = text;
    for (const name of ["reason", "asked"]) the(name).setAttribute("aria-invalid", String(Boolean(text) && name === field));
    if (field) the(field).focus();
  }

  function answer(event) {
    event.preventDefault();
    const { article, verdict } = asking;
    const reason = verdict === "keep" ? "looked at" : the("reason").value.trim().replace(/\s+/g, " ");
    const fault = sheet.reasonFault(reason, data.longest, data.patterns);
    if (fault) { complain(fault, "reason"); return; }
    const who = state.who || the("asked").value.trim();
    const unknown = sheet.whoFault(who, data.patterns);
    if (unknown) { complain(unknown, "asked"); return; }
    state.who = the("who").value = who;
    const whole = !the("scope").hidden && document.querySelector("input[name=scope]:checked").value === "exam";
    dialog.close();
    record(article, verdict, reason, whole);
  }

  function undo() {
    const row = state.actions.pop();
    if (!row) return;
    store();
    lay();
    focus(all.find(({ dataset }) => dataset.exam === row.exam && (!row.breast || dataset.breast === row.breast)));
    the("said").textContent = `Undone: ${row.breast ?? `exam ${row.exam}`} ${SAID[row.verdict]}.`;
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([sheet.write(rows, data.columns)], { type: "text/tab-separated-values" }));
    link.download = "decisions.tsv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    the("said").textContent = `decisions.tsv: ${rows.length} rows. Below it says where to put it.`;
  }

  async function load(event) {
    const [file] = event.target.files;
    if (!file) return;
    try {
      const found = sheet.read(await file.text(), data);
      const foreign = found.find((row) => row.breast && data.exams[row.exam] && !data.exams[row.exam].includes(row.breast));
      if (foreign) throw new Error(`${foreign.breast} is no breast of ${foreign.exam}: a sheet of another study?`);
      const has = new Set(found.map(sheet.text)), gone = data.rows.filter((row) => !has.has(sheet.text(row))).length;
      Object.assign(state, { loaded: found, over: mark });
      store();
      lay();
      the("said").textContent = `${file.name}: ${found.length} rows read, in the place of the study's sheet`
        + (gone ? `, ${gone} of whose rows it lacks` : "") + "; what was decided here counts more.";
    } catch (error) {
      the("said").textContent = `${file.name} was not read. ${error.message}`;
    }
    event.target.value = "";
  }

  function forget() {
    if (!window.confirm("Forget every decision that is not in the study's sheet?")) return;
    Object.assign(state, { loaded: null, actions: [] });
    store();
    lay();
  }

  function named() {
    const who = the("who").value.trim();
    const fault = sheet.whoFault(who, data.patterns);
    the("who-fault").textContent = who ? fault : "";
    the("who").setAttribute("aria-invalid", String(Boolean(who && fault)));
    state.who = fault ? "" : who;
    store();
  }

  const verdicts = { k: "keep", x: "exclude", h: "hold" };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=radio]):not([type=checkbox]), textarea, select, dialog");
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || typing) return;
    const article = current(), key = event.key;
    const act = {
      j: () => step(1),
      u: undo,
      ArrowDown: article && (() => step(1)),
      ArrowUp: article && (() => step(-1)),
    }[key] ?? (article && verdicts[key] && (() => decide(article, verdicts[key])));
    if (!act) return;
    event.preventDefault();
    act();
  });
  the("looks").addEventListener("click", (event) => {
    const article = event.target.closest("article.case"), verdict = event.target.closest("button")?.dataset.verdict;
    if (verdict) decide(article, verdict);
    else if (article && !event.target.closest("a")) focus(article);
  });
  dialog.addEventListener("close", () => asking?.article.isConnected && !visible().includes(current()) && focus(asking.article));
  dialog.querySelector("form").addEventListener("submit", answer);
  the("reason").addEventListener("input", () => {
    const reason = the("reason").value.trim();
    the("why-fault").textContent = reason ? sheet.reasonFault(reason, data.longest, data.patterns) : "";
  });
  the("cancel").addEventListener("click", () => dialog.close());
  the("undo").addEventListener("click", undo);
  the("save").addEventListener("click", save);
  the("load").addEventListener("change", load);
  the("forget").addEventListener("click", forget);
  the("who").addEventListener("change", named);
  the("unseen").addEventListener("change", draw);
  for (const radio of document.querySelectorAll("input[name=kind]")) radio.addEventListener("change", order);
  window.addEventListener("beforeunload", (event) => { if (!stored && pending()) event.preventDefault(); });

  restore();
  the("who").value = state.who;
  the("desk").hidden = false;
  for (const buttons of document.querySelectorAll("article .buttons")) buttons.hidden = false;
  if (all.length) all[0].tabIndex = 0;
  lay();
})();
