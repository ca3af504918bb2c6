// Draws <figure data-chart="address of a Vega-Lite spec">; without this script a picture stands there.
"use strict";

const shownTheme = () => {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
};

const NARROW = matchMedia("(max-width: 36rem)");

// The strict content security policy allows neither eval (ast) nor style elements (own styles).
const OPTIONS = {
  ast: true,
  actions: false,
  defaultStyle: false,
  renderer: "svg",
  tooltip: { disableDefaultStyle: true },
};

const draw = async (figure) => {
  const place = figure.querySelector(".chart-place");
  try {
    const size = NARROW.matches ? "small" : "wide";
    const address = new URL(figure.dataset.chart, location.href);
    address.searchParams.set("theme", shownTheme());
    address.searchParams.set("size", size);
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    await vegaEmbed(place, await answer.json(), OPTIONS);
    // The models on the frontier can be reached by keyboard and say their numbers.
    for (const mark of place.querySelectorAll('[aria-label$="on the frontier"]'))
      mark.setAttribute("tabindex", "0");
  } catch (error) {
    place.textContent = `The chart could not be drawn (${error.message}); the table above holds the same numbers.`;
  }
};

const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);
drawAll();
document.addEventListener("assay:theme", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
NARROW.addEventListener("change", drawAll);
