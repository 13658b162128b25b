// Enhancements only: every page works without this file.

// After a form came back with errors, the first invalid control gets the focus.
const focusFirstError = () => {
  const control = document.querySelector(".field-invalid :is(input, select, textarea)");
  if (control) control.focus();
};

// A second press of a submit button while the first is on its way would send the form twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.dataset.sending) return;
  form.dataset.sending = "yes";
  setTimeout(() => delete form.dataset.sending, 8000);
});
document.addEventListener(
  "submit",
  (event) => {
    if (event.target.dataset.sending) event.preventDefault();
  },
  true,
);

// <button data-copy="#id">: copy the text of an element, and say so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  document.getElementById("announcer").textContent = button.dataset.copied ?? "Copied";
});

// Filters that ask to be applied at once.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

document.addEventListener("DOMContentLoaded", focusFirstError);
