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

// ---- The plan editor -------------------------------------------------------------------------------------
// Back from a page that saved or moved an action: go on where it was left. The address of the row takes the focus away
// until the page is loaded.
addEventListener("load", () =>
  requestAnimationFrame(() => {
    if (document.activeElement === document.body) document.querySelector("#tree [data-focus]")?.focus();
  }),
);

// The address remembers the goal that was opened last.
function rememberGoal(goal) {
  const address = new URL(location.href);
  if (!goal?.dataset.goal || ["q", "missing"].some((name) => address.searchParams.has(name))) return;
  address.search = new URLSearchParams({ goal: goal.dataset.goal });
  address.hash = "";
  history.replaceState(history.state, "", address);
}

document.addEventListener("click", (event) => {
  const folded = event.target.closest(".pgroup:not([open]) > summary");
  if (folded) rememberGoal(folded.parentElement);
  // A link to a goal that is on the page opens it there.
  const link = event.target.closest("a[data-opens]");
  const goal = link && document.getElementById(link.dataset.opens);
  if (goal?.querySelector(".lines")) {
    event.preventDefault();
    goal.open = true;
    rememberGoal(goal);
    goal.querySelector("summary").focus();
    goal.scrollIntoView();
  }
  // One menu at a time.
  for (const menu of document.querySelectorAll(".rowmenu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  // One more row for a measure, a milestone or a department.
  const add = event.target.closest("[data-add-row]");
  if (add) {
    const rows = add.closest("[data-rows]");
    const total = rows.querySelector("[name$='-TOTAL_FORMS']");
    const holder = document.createElement("div");
    holder.innerHTML = rows.querySelector("template").innerHTML.replaceAll("__prefix__", total.value);
    const added = holder.firstElementChild;
    added.querySelector("legend").append(` ${Number(total.value) + 1}`);
    rows.insertBefore(added, rows.querySelector("template"));
    total.value = Number(total.value) + 1;
    added.querySelector("textarea, input:not([type=hidden])").focus();
  }
});
for (const add of document.querySelectorAll("[data-add-row]")) {
  add.parentElement.hidden = false;
  for (const row of add.closest("[data-rows]").querySelectorAll(":scope > [data-blank]")) row.remove();
}

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.(".rowmenu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
