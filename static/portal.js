// What scripts add to pages that work without them.
document.addEventListener("htmx:afterSettle", (event) => {
  // After filtering or paging, the count is what changed: read it out. After opening a form, go to its first field.
  const target = event.detail.target;
  const wanted = target.querySelector("[data-focus], [aria-invalid=true]");
  if (wanted) wanted.focus();
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submit-on-change]");
  if (form) form.requestSubmit();
});
