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

// A form that came back with mistakes or a conflict: start there. Back from a page that saved or moved an action: go on
// where it was left. The part of the page that the address names, as after the link that skips the menu, takes the focus
// away until the page is loaded.
const toMend = document.querySelector(".errors, #conflict");
toMend?.focus();
addEventListener("load", () =>
  requestAnimationFrame(() => {
    if (document.activeElement === document.body) (toMend ?? document.querySelector("#tree [data-focus]"))?.focus();
  }),
);

// What was saved on the page before: a region is read out when it changes, so it changes once this page is there.
addEventListener("load", () =>
  setTimeout(() => {
    const saved = document.querySelector("[role=status] > .messages");
    if (saved && !saved.contains(document.activeElement)) saved.replaceWith(saved.cloneNode(true));
  }, 200),
);

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

// ---- The plan editor -------------------------------------------------------------------------------------
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

// ---- Requests by htmx that fail ---------------------------------------------------------------------------
// Each failure is said in a line beside what was sent (its words: partials/failure_notices.html). Forms keep what was
// typed, with the focus; choices of a filter go back to what the list shows.

const words = document.getElementById("failures")?.content;
const isSaving = (detail) => detail.requestConfig.verb !== "get";
const formOf = (detail) => detail.elt.closest("form");
const buttonOf = (detail) =>
  detail.requestConfig.triggeringEvent?.submitter ?? formOf(detail)?.querySelector("[type=submit]");

const nameOf = (button) => button?.dataset.name ?? button?.getAttribute("aria-label") ?? button?.textContent.trim() ?? "";

function causeOf(status) {
  if (status === 401) return "signed-out";
  if (status === 403) return "stale";
  return [404, 405, 410].includes(status) ? "gone" : "server";
}

function announce(detail, cause) {
  const kind = isSaving(detail) ? "saving" : "loading";
  const before = document.querySelector(".failure");
  if (kind === "loading" && before?.dataset.cause === cause && before.dataset.kind === kind) return; // said already
  before?.remove();
  const line = document.createElement("div");
  line.className = "failure notice notice--risk";
  line.setAttribute("role", "alert");
  Object.assign(line.dataset, { cause, kind, button: nameOf(buttonOf(detail)) });
  place(line, detail);
  fill(line);
  line.scrollIntoView({ block: "nearest" });
}

function place(line, detail) {
  const form = formOf(detail);
  const menu = form?.closest(".rowmenu");
  if (menu) {
    menu.open = false; // it would cover the line
    menu.querySelector("summary").focus();
    menu.closest("li").append(line);
  } else if (!form && detail.target.matches("li")) detail.target.append(line);
  else if (!form) detail.target.before(line);
  else if (!isSaving(detail)) form.before(line);
  else if (form.matches(".inline-form")) (form.closest("li > *, .row") ?? form).after(line);
  else (buttonOf(detail)?.closest("form > *") ?? form.lastElementChild).before(line);
}

function fill(line) {
  const { cause, kind, button } = line.dataset;
  line.replaceChildren(words.querySelector(`[data-${kind}=${cause}]`).cloneNode(true));
  const name = line.querySelector("[data-button]");
  if (name && button) name.textContent = button;
  line.querySelector("a[href='']")?.setAttribute("href", location.href);
}

// Choices as the list shows them, by form.
const shown = new WeakMap();
const choicesOf = (form) =>
  [...form.elements]
    .filter((field) => field.matches("select, [type=checkbox], [type=radio]"))
    .map((field) => [field, field.matches("select") ? "value" : "checked"])
    .map(([field, property]) => [field, property, field[property]]);

function rememberChoices() {
  for (const form of document.querySelectorAll("form[hx-get]:not(.htmx-request)")) shown.set(form, choicesOf(form));
}

function fail(detail, cause) {
  const form = formOf(detail);
  if (form && !isSaving(detail)) {
    for (const [field, property, value] of shown.get(form) ?? []) field[property] = value;
  }
  announce(detail, cause);
}

// Somebody who signed in again in another tab has a new token, and the page is made for the same person: send it again.
function sendAgain(detail, token) {
  const form = formOf(detail);
  if (!token || !form || form.dataset.token === "renewed") return false;
  form.dataset.token = "renewed";
  for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) input.value = token;
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  document.body.setAttribute("hx-headers", JSON.stringify({ ...headers, "X-CSRFToken": token }));
  const button = buttonOf(detail);
  setTimeout(() => form.requestSubmit(form.contains(button) ? button : undefined));
  return true;
}

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const button = buttonOf(detail);
  if (!isSaving(detail) || !button) return;
  formOf(detail).setAttribute("aria-busy", "true");
  Object.assign(button.dataset, { name: nameOf(button), words: button.innerHTML });
  button.setAttribute("aria-disabled", "true");
  if (button.textContent.trim()) button.textContent = words.querySelector("[data-busy]").textContent;
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const button = isSaving(detail) && buttonOf(detail);
  if (button && "words" in button.dataset) {
    formOf(detail).removeAttribute("aria-busy");
    button.removeAttribute("aria-disabled");
    button.innerHTML = button.dataset.words;
    delete button.dataset.words;
    delete button.dataset.name;
  }
  if (!detail.successful) return;
  document.querySelector(".failure")?.remove();
  delete formOf(detail)?.dataset.token;
});

document.addEventListener("htmx:responseError", ({ detail }) => {
  const { status } = detail.xhr;
  if (status === 403 && sendAgain(detail, detail.xhr.getResponseHeader("X-CSRF-Token"))) return;
  fail(detail, causeOf(status));
});
document.addEventListener("htmx:sendError", ({ detail }) => fail(detail, navigator.onLine ? "unreachable" : "offline"));
document.addEventListener("htmx:timeout", ({ detail }) => fail(detail, "timeout"));

// Nothing is sent by itself when the connection is back.
addEventListener("online", () => {
  const line = document.querySelector(".failure[data-cause=offline], .failure[data-cause=unreachable]");
  if (!line) return;
  line.dataset.cause = "online";
  fill(line);
});

// A form that is being saved is not sent twice.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[aria-busy=true]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener("htmx:afterSettle", rememberChoices);
rememberChoices();

// A password can be shown while it is typed. It is hidden again before it is sent: no browser remembers it as a text.
for (const button of document.querySelectorAll("[data-show-password]")) {
  const field = document.getElementById(button.getAttribute("aria-controls"));
  const show = button.textContent;
  const set = (isShown) => {
    field.type = isShown ? "text" : "password";
    button.textContent = isShown ? button.dataset.showPassword : show;
  };
  button.hidden = false;
  button.addEventListener("click", () => set(field.type === "password"));
  field.form.addEventListener("submit", () => set(false));
}
