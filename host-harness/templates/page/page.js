// Keeps an open page as new as the host: on news it fetches the same page again and takes over its <main>. What is open
// stays open, what has the focus keeps it, and nothing is swapped while somebody chooses or marks something. And two keys.
"use strict";
(() => {
  const PAUSE = 400; // ms between two looks, however much happens
  const main = () => document.querySelector("main");
  const live = document.getElementById("live");
  let source, timer, shown;

  const say = (text) => { live.hidden = false; live.textContent = text; live.className = text === "live" ? "on" : "off"; };
  const isBusy = () => document.activeElement.matches("select") || !document.getSelection().isCollapsed;

  async function refresh() {
    timer = undefined;
    if (isBusy()) return later();
    const answer = await fetch(location.href).catch(() => undefined);
    if (!answer || !answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (!fresh || fresh.innerHTML === shown || isBusy()) return;
    shown = fresh.innerHTML;
    for (const before of main().querySelectorAll("details[id]")) {
      const after = fresh.querySelector("#" + CSS.escape(before.id));
      if (after) after.open = before.open;
    }
    const focus = document.activeElement.id, top = window.scrollY;
    main().replaceWith(document.adoptNode(fresh));
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    window.scrollTo(window.scrollX, top);
  }

  const later = () => { timer ??= setTimeout(refresh, PAUSE); };

  function listen() {
    source = new EventSource("/events");
    source.onopen = () => say("live");
    source.onerror = () => say("not connected");
    source.onmessage = ({ data }) => {
      const about = main().dataset.live;
      if (data === "all" || (about && data.startsWith(about))) later();
    };
  }

  // A page that nobody sees holds no connection: a browser has few.
  document.addEventListener("visibilitychange", () => {
    source?.close();
    if (!document.hidden) { listen(); later(); }
  });
  document.addEventListener("keydown", (event) => {
    const step = { j: 1, k: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
    const at = rows.indexOf(document.activeElement);
    (at < 0 ? rows[step > 0 ? 0 : rows.length - 1] : rows[at + step])?.focus();
  });
  listen();
})();
