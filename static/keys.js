// Keys of the whole product, its palette (Ctrl-K) and the sheet that explains them (?). Everything they
// do stands on the pages as links too.
"use strict";

const OFF = "assay-single-keys-off";
const palette = document.getElementById("palette");
const words = document.getElementById("palette-words");
const found = document.getElementById("palette-found");
const sheet = document.getElementById("keys");

const isTyping = (target) =>
  target.matches?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]");
// A page whose buttons have keys of their own, such as the labelling page, keeps all letters to itself.
const hasOwnKeys = () => document.querySelector("[data-key]") !== null;
const singleKeysOff = () => {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return false; // storage is closed: the keys stay on
  }
};

const openPalette = () => {
  if (palette.open) return;
  sheet.close();
  palette.showModal();
  words.value = "";
  htmx.trigger(words, "palette");
};
const openSheet = () => {
  if (palette.open || sheet.open) return;
  htmx.trigger(sheet, "sheet");
  sheet.showModal();
};

let waitingForPlace = 0;
const goTo = (key) => document.querySelector(`[data-go="${CSS.escape(key)}"]`)?.click();

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  if (isTyping(event.target) || palette.open || sheet.open || hasOwnKeys() || singleKeysOff()) return;
  if (Date.now() - waitingForPlace < 1500) {
    waitingForPlace = 0;
    goTo(event.key);
  } else if (event.key === "g") {
    waitingForPlace = Date.now();
  } else if (event.key === "/") {
    event.preventDefault();
    document.getElementById("find")?.focus();
  } else if (event.key === "?") {
    event.preventDefault();
    openSheet();
  }
});

// The palette: the field keeps the focus, the arrows move the choice through what was found.
const options = () => [...found.querySelectorAll("[role=option]")];
const choose = (option) => {
  for (const other of options()) other.setAttribute("aria-selected", String(other === option));
  if (!option) {
    words.removeAttribute("aria-activedescendant");
    return;
  }
  words.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
};
words?.addEventListener("keydown", (event) => {
  const all = options();
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps && all.length) {
    event.preventDefault();
    choose(all[(at + steps[event.key] + all.length) % all.length]);
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    all[at]?.click();
  }
});
found?.addEventListener("htmx:afterSwap", () => {
  const all = options();
  all.forEach((option, index) => {
    option.id = `palette-option-${index}`;
  });
  choose(all[0]);
  document.getElementById("palette-count").textContent = all.length ? `${all.length} found` : "Nothing found";
});

// The sheet: closing it, and turning the keys of one character off for who speaks to the machine.
sheet?.addEventListener("htmx:afterSwap", () => {
  const box = document.getElementById("keys-single");
  if (box) box.checked = !singleKeysOff();
});
sheet?.addEventListener("change", (event) => {
  if (event.target.id !== "keys-single") return;
  try {
    if (event.target.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
  } catch {
    announce("This browser does not keep the choice.");
  }
});
for (const dialog of [palette, sheet])
  dialog?.addEventListener("click", (event) => {
    // Beside the box, or on its button.
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });

// On a phone the places scroll by themselves: the one that is open is in sight.
document.querySelector("nav.main [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
