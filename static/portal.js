// What scripts add to pages that work without them.

// After a swap: go to what has to be mended, or to the form that was opened, or say how many are left.
document.addEventListener("htmx:afterSettle", (event) => {
  const target = event.target;
  const find = (selector) => (target.matches(selector) ? target : target.querySelector(selector));
  const toFocus = find("[data-focus], [aria-invalid=true]");
  if (toFocus) {
    toFocus.focus();
    return;
  }
  const count = find("#count");
  if (!count) return;
  if (target.contains(document.activeElement)) {
    // Somebody is ticking boxes: leave them there and only read the new count out.
    document.getElementById("live-region").textContent = count.textContent;
  } else {
    count.tabIndex = -1;
    count.focus();
  }
});

// A form that came back with mistakes: start at their list.
document.querySelector(".errors")?.focus();

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submit-on-change]");
  if (form) form.requestSubmit();
});

// An address to copy: its button is there only where copying works; the text can always be selected.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy] button")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = button.closest("[data-copy]").querySelector("input");
      field.select();
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.copied;
      document.getElementById("live-region").textContent = button.dataset.copied;
    });
  }
}
