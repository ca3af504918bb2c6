// What a page does beyond its links and forms. Everything here works without it, a little slower.
"use strict";

const announce = (text) => {
  const status = document.getElementById("status");
  if (status) status.textContent = text;
};

// The appearance changes in place; without this script the form does it over the server.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.id === "theme" && event.submitter) {
    event.preventDefault();
    const theme = event.submitter.value;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    for (const button of form.querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(button === event.submitter));
    document.dispatchEvent(new CustomEvent("assay:theme"));
    return;
  }
  // A second click sends nothing twice; htmx has its own guard.
  if (form.method === "post" && !form.hasAttribute("hx-post")) {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  }
});
// Coming back with the browser's back button, a form may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// <button type="button" data-copy="#id">: copies the text or value of #id.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    announce("Copied");
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    announce("Selected: copy it with your keyboard");
  }
});

// <select data-submit>: sends its form when changed; the form keeps its button for everyone else.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// A page that has been told to load itself anew asks for nothing more, however long that takes: another
// answer of that kind would begin the loading again, and what it says once would be said twice.
let leaving = false;
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Refresh") === "true") leaving = true;
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (leaving) event.preventDefault();
});
window.addEventListener("pageshow", () => {
  leaving = false;
});

// A fragment that cannot be fetched says so instead of doing nothing.
const problem = (text) => {
  const place = document.getElementById("problem");
  if (!place) return;
  place.textContent = text;
  place.hidden = false;
};
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  problem(
    status === 403
      ? "You may not do this, or you have been signed out. Reload the page and try again."
      : `The server answered with the error ${status}. Reload the page and try again.`,
  );
});
document.addEventListener("htmx:sendError", () =>
  problem("The server cannot be reached. This page tries again by itself where it updates itself."),
);
document.addEventListener("htmx:afterOnLoad", () => {
  const place = document.getElementById("problem");
  if (place) place.hidden = true;
});
