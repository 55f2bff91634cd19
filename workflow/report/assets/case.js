// On the page of a case: the keys 1 to 9 show and hide the outlines, 0 all of them; z: the lesion from near.
"use strict";
(function () {
  const boxes = [...document.querySelectorAll(".legend input[id^=show-]")];
  const near = document.getElementById("close-up");
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox], [type=radio], [type=range]), textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "z" && near) near.checked = !near.checked;
    if (!/^\d$/.test(event.key)) return;
    const chosen = event.key === "0" ? boxes : boxes.slice(Number(event.key) - 1, Number(event.key));
    const shown = event.key === "0" ? !boxes.some((box) => box.checked) : null;
    for (const box of chosen) box.checked = shown === null ? !box.checked : shown;
  });
})();
