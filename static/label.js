// Keys of the labelling page: what a button says in data-key presses it. Without this script the
// buttons do the same, with a new page each time.
"use strict";

const typing = (target) => target.matches?.("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.key === "Escape" && typing(event.target)) {
    document.getElementById("task")?.focus();
    return;
  }
  if (typing(event.target)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const button = document.querySelector(`#task [data-key="${CSS.escape(key)}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
  if (button.localName === "summary" && button.parentElement.open)
    document.getElementById("note")?.focus();
});

// The next item takes the place of the last one: readers of the screen are told, and keys go on.
document.addEventListener("htmx:afterSwap", (event) => {
  const task = document.getElementById("task");
  if (!task || event.detail.target.id !== "task") return;
  task.focus({ preventScroll: true });
  announce(document.getElementById("task-title")?.textContent ?? "");
});

// Who leads is asked for while somebody looks at it: after each label of theirs, and as others label.
const standing = document.getElementById("standing");
const refresh = () => {
  if (standing?.open && !document.hidden) htmx.trigger("#live", "refresh");
};
if (standing) {
  standing.hidden = false; // it needs this script
  standing.addEventListener("toggle", refresh);
  setInterval(refresh, 15000);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "task") refresh();
  });
}
