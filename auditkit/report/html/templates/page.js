"use strict";
(() => {
  const make = (tag, words, parent) => {
    const made = document.createElement(tag);
    made.textContent = words;
    if (parent) parent.append(made);
    return made;
  };
  const value = (cell) => cell.dataset.v ?? cell.textContent.trim();
  const order = (a, b) => {
    const [x, y] = [a, b].map((text) => (/^-?\d[\d ]*(\.\d+)?( [a-z(].*)?$/i.test(text) ? parseFloat(text.replace(/ (?=\d)/g, "")) : NaN));
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, undefined, { numeric: true }) : x - y;
  };
  for (const table of document.querySelectorAll("table.sort")) {
    const heads = [...table.tHead.rows[0].cells];
    if (table.tBodies[0].rows.length < 2) continue;
    heads.forEach((head, column) => {
      const words = head.textContent;
      head.textContent = "";
      const button = make("button", words, head);
      button.type = "button";
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => order(value(a.cells[column]), value(b.cells[column])) * (down ? -1 : 1));
        table.tBodies[0].append(...rows);
      });
    });
  }
  const LEVELS = ["critical", "high", "medium", "low", "info"];
  let number = 0;
  for (const part of document.querySelectorAll("[data-find]")) {
    const rows = [...(part.tBodies ? part.tBodies[0].rows : part.querySelectorAll(".leaf, .finding"))];
    if (rows.length < 4) continue;
    const bar = document.createElement("div");
    bar.className = "bar";
    const label = make("label", "Filter " + part.dataset.find + " ", bar);
    const input = make("input", "", label);
    input.type = "search";
    input.id = "find-" + (number += 1);
    label.htmlFor = input.id;
    const boxes = [];
    if (!part.tBodies) {
      for (const level of LEVELS.filter((one) => rows.some((row) => row.classList.contains(one)))) {
        const choice = make("label", "", bar);
        const box = make("input", "", choice);
        box.type = "checkbox";
        box.checked = true;
        box.value = level;
        choice.append(" " + level);
        boxes.push(box);
      }
    }
    const news = make("input", "");
    news.type = "checkbox";
    if (rows.some((row) => row.classList.contains("news"))) {
      const choice = make("label", "", bar);
      choice.append(news, " only what is new");
    }
    const told = make("span", "", bar);
    told.setAttribute("role", "status");
    const dirs = [...part.querySelectorAll("li.dir")].reverse();
    const texts = new Map();
    const apply = () => {
      const words = input.value.toLowerCase();
      const off = boxes.filter((box) => !box.checked).map((box) => box.value);
      let left = 0;
      for (const row of rows) {
        if (words && !texts.has(row)) texts.set(row, (row.closest("ul") ? path(row) : "") + row.textContent.toLowerCase());
        row.hidden = (words && !texts.get(row).includes(words)) || off.some((one) => row.classList.contains(one)) || (news.checked && !row.classList.contains("news"));
        left += row.hidden ? 0 : 1;
      }
      for (const dir of dirs) {
        dir.hidden = !dir.querySelector("li.leaf:not([hidden])");
        if ((words || news.checked) && !dir.hidden) dir.firstElementChild.open = true;
      }
      told.textContent = words || off.length || news.checked ? left + " of " + rows.length + " shown" : "";
    };
    const path = (row) => {
      let names = "";
      for (let dir = row.parentElement.closest("li.dir"); dir; dir = dir.parentElement.closest("li.dir")) {
        names = dir.querySelector("summary code").textContent + names;
      }
      return names.toLowerCase();
    };
    input.addEventListener("input", apply);
    [...boxes, news].forEach((box) => box.addEventListener("change", apply));
    if (dirs.length) {
      for (const [words, open] of [["Open all", true], ["Fold all", false]]) {
        const button = make("button", words, bar);
        button.type = "button";
        button.addEventListener("click", () => dirs.forEach((dir) => (dir.firstElementChild.open = open)));
      }
    }
    const place = part.closest(".scroll") ?? part;
    place.before(bar);
  }
  const unfold = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    const whole = target.querySelector(":scope > details.whole");
    if (whole) whole.open = true;
    for (let at = target.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((one) => (one.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((one) => (one.open = false)));
})();
