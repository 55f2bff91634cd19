// On the page of a case: the cases before and after it, in the order in which the list was last shown.
"use strict";
window.neighbours = function (breast) {
  let found = null;
  try {
    found = JSON.parse(sessionStorage.getItem("cases " + new URL("..", location.href).pathname));
  } catch (error) {
    // Nothing is stored for pages from disk: the order of the sheets.
  }
  if (!found || !found.order.includes(breast)) {
    const unlinked = new Set(window.CASES.without_page);
    const order = window.CASES.rows.map((row) => row[0]).filter((name) => !unlinked.has(name));
    found = { order, address: "" };
  }
  const { order, address } = found;
  const place = order.indexOf(breast);
  return { before: order[place - 1], after: order[place + 1], place: place + 1, of: order.length, address };
};
(function () {
  const place = document.getElementById("neighbours");
  if (!place) return;
  const found = window.neighbours(decodeURIComponent(location.pathname.split("/").pop().replace(/\.html$/, "")));
  const keys = {};
  function link(href, text, key) {
    const made = document.createElement("a");
    made.href = href;
    made.textContent = text;
    if (key) {
      made.setAttribute("aria-keyshortcuts", key);
      keys[key] = made;
    }
    return made;
  }
  const said = `${found.place} of ${found.of.toLocaleString("en")} cases`;
  place.replaceChildren(
    found.before ? link(`${found.before}.html`, `← ${found.before}`, "[") : "",
    " ",
    link("../cases.html" + found.address, said),
    " ",
    found.after ? link(`${found.after}.html`, `${found.after} →`, "]") : "",
  );
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox], [type=radio], [type=range]), textarea, select");
    if (keys[event.key] && !typing && !event.metaKey) keys[event.key].click();
  });
})();
