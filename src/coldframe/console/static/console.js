// What pages need of script: search, tabs, filters, parts that load or refresh, and the notice of a lost connection.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Lost and found again: every fetch of a page goes through here.
const lost = $("#lost");
async function ask(address, options = {}) {
  try {
    const answer = await fetch(address, { headers: { accept: "application/json" }, ...options });
    if (lost) lost.hidden = true;
    if (answer.status === 401) location.reload();
    return answer;
  } catch (error) {
    if (lost) lost.hidden = false;
    throw error;
  }
}

function search() {
  const box = $("#find"), list = $("#found");
  if (!box) return;
  let chosen = -1, latest = 0, timer = 0;
  const options = () => all("li", list);
  function close() { list.hidden = true; box.setAttribute("aria-expanded", "false"); box.removeAttribute("aria-activedescendant"); chosen = -1; }
  function choose(index) {
    const found = options();
    if (!found.length) return;
    chosen = (index + found.length) % found.length;
    found.forEach((each, at) => each.setAttribute("aria-selected", String(at === chosen)));
    box.setAttribute("aria-activedescendant", found[chosen].id);
    found[chosen].scrollIntoView({ block: "nearest" });
  }
  async function look() {
    const turn = ++latest;
    const answer = await ask("/console/search?q=" + encodeURIComponent(box.value));
    const found = await answer.json();
    if (turn !== latest) return;
    list.replaceChildren(...found.map((each, at) => {
      const item = document.createElement("li"), link = document.createElement("a"), of = document.createElement("span");
      item.id = "found-" + at; item.setAttribute("role", "option"); item.setAttribute("aria-selected", "false");
      link.href = each.address; link.tabIndex = -1; link.textContent = each.title; of.className = "dim"; of.textContent = each.of;
      link.append(of); item.append(link);
      return item;
    }));
    list.hidden = !found.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
    if (found.length) choose(0);
  }
  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => look().catch(() => {}), 120); });
  box.addEventListener("focus", () => look().catch(() => {}));
  box.addEventListener("blur", () => setTimeout(close, 150));
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen - 1); }
    else if (event.key === "Escape") { close(); box.blur(); }
    else if (event.key === "Enter" && options()[chosen]) { event.preventDefault(); $("a", options()[chosen]).click(); }
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if ((event.key === "/" && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey))) { event.preventDefault(); box.focus(); box.select(); }
  });
}

function menu() {
  const button = $(".menu"), nav = $("#nav");
  button?.addEventListener("click", () => button.setAttribute("aria-expanded", String(nav.classList.toggle("open"))));
}

// Sections become tabs; without script they simply follow each other.
function tabs() {
  for (const group of all("[data-tabs]")) {
    const panels = all(":scope > section", group), bar = document.createElement("div");
    bar.setAttribute("role", "tablist");
    const buttons = panels.map((panel) => {
      const button = document.createElement("button");
      button.type = "button"; button.setAttribute("role", "tab"); button.id = "tab-" + panel.id; button.textContent = panel.getAttribute("aria-label");
      button.setAttribute("aria-controls", panel.id); panel.setAttribute("role", "tabpanel");
      button.addEventListener("click", () => show(buttons.indexOf(button)));
      button.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step) { const next = (buttons.indexOf(button) + step + buttons.length) % buttons.length; show(next); buttons[next].focus(); }
      });
      return button;
    });
    function show(index) {
      panels.forEach((panel, at) => { panel.hidden = at !== index; });
      buttons.forEach((button, at) => { button.setAttribute("aria-selected", String(at === index)); button.tabIndex = at === index ? 0 : -1; });
    }
    bar.append(...buttons); group.prepend(bar);
    show(Math.max(0, panels.findIndex((panel) => !("later" in panel.dataset))));
  }
}

function filters() {
  for (const box of all("[data-filter]")) {
    const rows = all("tbody tr", box.closest("main"));
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    });
  }
}

async function load(part, address) {
  const answer = await ask(address, { headers: { accept: "text/html" } });
  if (answer.ok) part.innerHTML = await answer.text();
}

// A part with data-fresh=SECONDS is taken again from the same page while there is something to see.
function fresh() {
  for (const part of all("[data-fresh]")) {
    const seconds = Number(part.dataset.fresh);
    if (!seconds) continue;
    const index = all("[data-fresh]").indexOf(part);
    const again = async () => {
      if (!document.hidden) {
        try {
          const answer = await ask(location.href, { headers: { accept: "text/html" } });
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const next = all("[data-fresh]", page)[index];
          if (next) { part.innerHTML = next.innerHTML; if (next.dataset.fresh === "0") return; }
        } catch { /* the notice is shown; the next turn tries again */ }
      }
      setTimeout(again, seconds * 1000);
    };
    setTimeout(again, seconds * 1000);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  search(); menu(); tabs(); filters(); fresh();
  for (const part of all("[data-load]")) load(part, part.dataset.load).catch(() => {});
  for (const select of all("[data-submit]")) select.addEventListener("change", () => select.form.requestSubmit());
});
