// Figures to point at: draws what the page specifies in the place of the still pictures, which stay for print.
"use strict";
document.documentElement.classList.add("scripts");
(function () {
  const data = document.getElementById("figure-data");
  if (!data) return;
  const cases = JSON.parse(data.textContent);
  const options = { mode: "vega-lite", actions: false, renderer: "svg", loader: { target: "_self" } };

  // The points of a figure as one stop of the Tab key: arrows go from one to the next, Enter opens the case.
  function walkable(place) {
    const points = [...place.querySelectorAll("[aria-roledescription=point]")];
    if (!points.length) return;
    points[0].setAttribute("tabindex", "0");
    place.addEventListener("keydown", (event) => {
      const here = points.indexOf(event.target);
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (here < 0 || (!by && event.key !== "Enter")) return;
      event.preventDefault();
      const next = points[(here + (by || 0) + points.length) % points.length];
      if (by) {
        event.target.setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus();
      }
      // Vega says which case it is where the mouse would be, and follows its link.
      const { left, top, width, height } = next.getBoundingClientRect();
      const at = { bubbles: true, clientX: left + width / 2, clientY: top + height / 2 };
      next.dispatchEvent(by ? new PointerEvent("pointermove", at) : new MouseEvent("click", at));
    });
  }

  for (const figure of document.querySelectorAll("figure.interactive")) {
    const specification = JSON.parse(figure.querySelector("script").textContent);
    specification.datasets = { ...specification.datasets, cases };
    const place = figure.querySelector(".live");
    vegaEmbed(place, specification, options).then(() => {
      figure.classList.add("drawn");
      walkable(place);
    });
  }
})();
