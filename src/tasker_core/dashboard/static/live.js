// Renews what stands on the page when the server says that it has changed, and keeps the ages of things going.

const SHORTEST = 250, LONGEST = 3000, SHARE = 2, STALE_AFTER = 4000;
const live = { source: null, url: "", seen: "", held: false, busy: false, due: false, lostAt: 0, last: 0, took: 0, again: 0 };

Idiomorph.defaults.ignoreActiveValue = true;
// What a reader has opened stays open, what they have typed stays, and so does the zoom of a drawing.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
  !(name === "open" && node.tagName === "DETAILS") && !(node.id === "graph" && (name === "width" || name === "height") && node.dataset.zoom);

function streamOf() {
  return document.getElementById("live")?.dataset.stream.trim() ?? "";
}

function listen() {
  const url = document.hidden || live.held ? "" : streamOf();
  if (url === live.url) return;
  live.source?.close();
  if (url.split("?")[0] !== live.page) live.seen = "";
  live.url = url;
  live.page = url || live.page;
  live.lostAt = 0;
  live.source = null;
  if (!url) return;
  const source = new EventSource(live.seen ? `${url}?seen=${live.seen}` : url);
  source.addEventListener("open", () => { live.lostAt = 0; });
  source.addEventListener("error", () => {
    live.lostAt ||= Date.now();
    if (source.readyState === EventSource.CLOSED) { live.url = ""; setTimeout(listen, 2000); }
  });
  source.addEventListener("change", (event) => {
    const first = !live.seen;
    live.seen = event.lastEventId;
    live.again = 3;
    if (!first) renew();
  });
  // Figures that are dear to get may be older than the change: they are asked for once more when it has got quiet.
  source.addEventListener("quiet", () => { if (live.again-- > 0) renew(); });
  live.source = source;
}

async function renew() {
  if (live.busy) { live.due = true; return; }
  live.busy = true;
  // A page that is dear to get and to draw renews itself less often.
  const wait = live.last + Math.min(Math.max(SHORTEST, SHARE * live.took), LONGEST) - Date.now();
  if (wait > 0) await new Promise((go) => setTimeout(go, wait));
  const began = Date.now();
  try {
    if (!document.hidden && !live.held && !document.querySelector("details.act[open]")) {
      const at = location.href;
      const answer = await fetch(at, { headers: { "X-Live": "1" }, credentials: "same-origin" });
      if (answer.redirected) { location.assign(answer.url); return; }
      const text = await answer.text();
      const next = new DOMParser().parseFromString(text, "text/html").getElementById("live");
      if (answer.ok && next && at === location.href) {
        Idiomorph.morph(document.getElementById("live"), next);
        htmx.process(document.getElementById("live"));
        document.dispatchEvent(new CustomEvent("renewed"));
      }
    }
  } catch { live.lostAt ||= Date.now(); }
  live.last = Date.now();
  live.took = live.last - began;
  live.busy = false;
  if (live.due) { live.due = false; renew(); }
}

function coarse(seconds) {
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60]]) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${Math.floor(seconds)} s`;
}

function tick() {
  const now = Date.now();
  // A figure that took too long for the page is there by now.
  if (document.getElementById("live")?.dataset.again === "yes") renew();
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const said = coarse(Math.abs(now - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== said) time.textContent = said;
  }
  const stale = document.getElementById("stale");
  const lost = live.url && live.lostAt && now - live.lostAt > STALE_AFTER;
  stale.textContent = live.held ? "held: p lets it go on" : lost ? `not live for ${coarse((now - live.lostAt) / 1000)}` : "";
  stale.hidden = !stale.textContent;
}

function hold() {
  live.held = !live.held;
  listen();
  if (!live.held) renew();
  tick();
}

document.addEventListener("visibilitychange", () => { listen(); if (!document.hidden) renew(); });
document.addEventListener("htmx:afterSettle", () => {
  document.title = document.getElementById("page").dataset.title || document.title;
  for (const link of document.querySelectorAll(".side nav a")) {
    const path = link.getAttribute("href"), here = location.pathname;
    if (path === here || (path !== "/" && here.startsWith(path))) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  listen();
});
window.addEventListener("pagehide", () => live.source?.close());
window.taskerLive = { hold };
setInterval(tick, 1000);
listen();
