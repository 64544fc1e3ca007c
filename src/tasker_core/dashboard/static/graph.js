// Pan and zoom of a graph. The drawing is the server's; only its size on the page changes.

const zooms = new Map();

function graph() {
  return document.getElementById("graph");
}

function zoomTo(zoom) {
  const svg = graph();
  if (!svg) return;
  const { width, height } = svg.viewBox.baseVal;
  zoom = Math.min(3, Math.max(0.1, zoom));
  zooms.set(location.pathname, zoom);
  svg.dataset.zoom = zoom;
  svg.setAttribute("width", width * zoom);
  svg.setAttribute("height", height * zoom);
}

function fit() {
  const svg = graph(), scroll = svg.closest(".graph-scroll");
  const { width, height } = svg.viewBox.baseVal;
  zoomTo(Math.min((scroll.clientWidth - 16) / width, (window.innerHeight * 0.7 - 16) / height, 1.5));
}

function prepare() {
  for (const tools of document.querySelectorAll(".graph-tools")) tools.hidden = false;
  if (graph() && zooms.has(location.pathname)) zoomTo(zooms.get(location.pathname));
}

document.addEventListener("click", (event) => {
  const how = event.target.closest?.("[data-zoom]")?.dataset.zoom;
  if (!event.target.closest?.(".graph-tools")) return;
  const zoom = Number(graph().dataset.zoom || 1);
  if (how === "fit") fit();
  else zoomTo(how === "in" ? zoom * 1.25 : zoom / 1.25);
});

document.addEventListener("wheel", (event) => {
  if (!event.ctrlKey || !event.target.closest?.(".graph-scroll")) return;
  event.preventDefault();
  zoomTo(Number(graph().dataset.zoom || 1) * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
}, { passive: false });

let held = null;
document.addEventListener("pointerdown", (event) => {
  const scroll = event.target.closest?.(".graph-scroll");
  if (scroll && event.button === 0 && !event.target.closest("a"))
    held = { scroll, x: event.clientX + scroll.scrollLeft, y: event.clientY + scroll.scrollTop };
});
document.addEventListener("pointermove", (event) => {
  if (!held) return;
  held.scroll.classList.add("held");
  held.scroll.scrollTo(held.x - event.clientX, held.y - event.clientY);
});
document.addEventListener("pointerup", () => { held?.scroll.classList.remove("held"); held = null; });
document.addEventListener("renewed", prepare);
document.addEventListener("htmx:afterSettle", prepare);
prepare();
