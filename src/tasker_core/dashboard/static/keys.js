// Keys, the palette, the theme. Everything here can be reached by links and buttons too.

const { hold } = window.taskerLive;

const typing = (node) => node.closest?.("input, textarea, select, [contenteditable]");
let goes = 0;

function rows() {
  return [...document.querySelectorAll("#live tr[data-row]")];
}

function move(by) {
  const all = rows(), at = all.findIndex((row) => row.classList.contains("at"));
  if (!all.length) return;
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))];
  all[at]?.classList.remove("at");
  next.classList.add("at");
  next.querySelector("a.row-link")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function nextFailed() {
  const failed = document.querySelector("[data-failed]")?.dataset.failed.split(" ").filter(Boolean) ?? [];
  if (!failed.length) return;
  const here = new URL(location.href), at = failed.indexOf(here.searchParams.get("step"));
  here.searchParams.set("step", failed[(at + 1) % failed.length]);
  visit(here.pathname + here.search);
}

// The box offers what fits the word that is being typed, behind those that stand before it.
document.addEventListener("input", (event) => {
  const box = event.target, offers = box.matches?.("[data-search][list]") ? box.list : null;
  if (!offers) return;
  const before = box.value.slice(0, box.value.lastIndexOf(" ") + 1);
  for (const offer of offers.options) offer.value = before + (offer.dataset.word ??= offer.value);
});

const visit = (url) => location.assign(url);

function theme() {
  const order = ["", "light", "dark"], root = document.documentElement;
  const next = order[(order.indexOf(root.dataset.theme ?? "") + 1) % 3];
  if (next) root.dataset.theme = next; else delete root.dataset.theme;
  document.cookie = `tasker_theme=${next}; path=/; max-age=${next ? 31536000 : 0}; samesite=strict`;
}

const palette = document.getElementById("palette"), box = palette.querySelector("input"), list = palette.querySelector("ul");
const places = [...document.querySelectorAll(".side nav a")].map((link) => [link.textContent, link.getAttribute("href")]);
for (const name of ["running", "blocked", "retry", "failed"]) places.push([`Tasks: ${name}`, `/tasks?q=state:${name}`]);

function offered() {
  const text = box.value.trim().toLowerCase();
  const found = places.filter(([name]) => name.toLowerCase().includes(text));
  if (text) found.push([`Search tasks for “${box.value.trim()}”`, `/tasks?q=${encodeURIComponent(box.value.trim())}`]);
  list.replaceChildren(...found.map(([name, url], at) => {
    const item = document.createElement("li");
    item.id = `palette-${at}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(at === 0));
    item.textContent = name;
    item.dataset.url = url;
    return item;
  }));
}

function choose(by) {
  const items = [...list.children], at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  const next = items[(at + by + items.length) % items.length];
  items.forEach((item) => item.setAttribute("aria-selected", String(item === next)));
  next?.scrollIntoView({ block: "nearest" });
}

function openPalette() {
  box.value = "";
  offered();
  palette.showModal();
  box.focus();
}

function go(url) {
  palette.close();
  visit(url);
}

box.addEventListener("input", offered);
box.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(event.key === "ArrowDown" ? 1 : -1); }
});
palette.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const item = list.querySelector('[aria-selected="true"]');
  if (item) go(item.dataset.url);
});
list.addEventListener("click", (event) => { const item = event.target.closest("li"); if (item) go(item.dataset.url); });

for (const button of document.querySelectorAll("[data-palette], [data-theme-toggle]")) button.hidden = false;
document.querySelector("[data-palette]")?.addEventListener("click", openPalette);
document.querySelector("[data-theme-toggle]")?.addEventListener("click", theme);

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (Date.now() - goes < 1200) {
    goes = 0;
    const link = document.querySelector(`.side nav a[data-key="g ${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); return; }
  }
  const actions = {
    "/": () => document.querySelector("[data-search]") ? document.querySelector("[data-search]").focus() : openPalette(),
    "?": () => document.getElementById("keys").showModal(),
    j: () => move(1), k: () => move(-1), e: nextFailed, p: hold, t: theme,
    g: () => { goes = Date.now(); },
    r: () => { const retry = document.querySelector('summary[data-key="r"]'); if (retry) { retry.parentElement.open = true; retry.parentElement.querySelector('input[name="reason"]').focus(); } },
    Escape: () => { const open = document.querySelector("details.act[open]"); if (open) { open.open = false; open.querySelector("summary").focus(); } },
  };
  const act = actions[event.key];
  if (act) { event.preventDefault(); act(); }
});
