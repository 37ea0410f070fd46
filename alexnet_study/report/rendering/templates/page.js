// Tables that sort, filter and fit; contents that show where the reader is. Without this script the page reads as well.
const number = (text) => parseFloat(text.trim().replace("−", "-").replaceAll(",", "").replace(/^[<[]\s*/, ""));
const empty = (text) => text.trim() === "–" || text.trim() === "";

function make(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

// By numbers where all cells start with one, else by text; – comes last. Without an order, as the rows came.
function sortBy(table, column, order) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, text: row.cells[column].textContent, came: Number(row.dataset.came) }));
  const numeric = rows.every(({ text }) => empty(text) || !Number.isNaN(number(text)));
  const compare = (a, b) => (numeric ? number(a.text) - number(b.text) : a.text.localeCompare(b.text, "en", { numeric: true }));
  const sign = { ascending: 1, descending: -1 }[order];
  rows.sort((a, b) => (sign ? empty(a.text) - empty(b.text) || sign * compare(a, b) : 0) || a.came - b.came);
  body.append(...rows.map(({ row }) => row));
}

function makeSortable(table) {
  [...table.tBodies[0].rows].forEach((row, index) => { row.dataset.came = index; });
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = make("button", { type: "button", textContent: heading.textContent, title: "Sort; a third click undoes" });
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const order = { none: "ascending", ascending: "descending", descending: "none" }[heading.ariaSort ?? "none"];
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      if (order !== "none") heading.ariaSort = order;
      sortBy(table, column, order);
    });
  });
}

function makeFilter(table, label, tools) {
  const field = make("input", { type: "search", placeholder: "filter rows", ariaLabel: `Filter the rows of ${label}` });
  const count = make("output", { ariaLabel: "rows shown" });
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/);
    const rows = [...table.tBodies[0].rows];
    rows.forEach((row) => { row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word)); });
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  });
  tools.append(field, count);
}

// A table wider than its place shows as many columns as fit; a button for each shows or hides it.
function showColumn(table, column, shown) {
  for (const row of table.rows) if (row.cells[column]) row.cells[column].hidden = !shown;
}

function makeColumns(table, tools) {
  const buttons = [...table.tHead.rows[0].cells].map((heading, column) => {
    if (column === 0) return null;
    const button = make("button", { type: "button", textContent: heading.textContent, ariaPressed: "true" });
    button.addEventListener("click", () => {
      button.ariaPressed = String(button.ariaPressed !== "true");
      showColumn(table, column, button.ariaPressed === "true");
    });
    return button;
  });
  const group = make("div", { role: "group", ariaLabel: "Columns shown", className: "columns" });
  group.append(...buttons.filter(Boolean));
  tools.append(group);
  return buttons;
}

function fit(table, place, tools) {
  if (table.dataset.fitted || !place.clientWidth || getComputedStyle(table).display !== "table") return;
  table.dataset.fitted = "yes";
  if (place.scrollWidth <= place.clientWidth + 1) return;
  const buttons = makeColumns(table, tools);
  for (let column = buttons.length - 1; column > 1 && place.scrollWidth > place.clientWidth + 1; column -= 1) {
    buttons[column].ariaPressed = "false";
    showColumn(table, column, false);
  }
}

for (const table of document.querySelectorAll("table")) {
  const place = table.parentElement;
  const tools = make("div", { className: "tools" });
  const fold = place.closest("details");
  place.before(tools);
  makeSortable(table);
  if (table.tBodies[0].rows.length > 15) makeFilter(table, place.ariaLabel.split(":")[0], tools);
  fit(table, place, tools);
  fold?.addEventListener("toggle", () => fit(table, place, tools));
}

const contents = document.querySelector("nav details");
const besides = matchMedia("(min-width: 72rem)");
const unfold = () => { contents.open = besides.matches; };
besides.addEventListener("change", unfold);
unfold();

const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    links.forEach((link) => link.removeAttribute("aria-current"));
    links.get(target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "-10% 0% -80% 0%" });
document.querySelectorAll("main section").forEach((section) => seen.observe(section));

// A link to what is folded unfolds it.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target?.scrollIntoView();
}
addEventListener("hashchange", reveal);
if (location.hash) reveal();

// On paper nothing is folded away or left out.
addEventListener("beforeprint", () => {
  document.querySelectorAll("main details").forEach((part) => { part.open = true; });
  document.querySelectorAll("th[hidden], td[hidden]").forEach((cell) => { cell.hidden = false; });
  document.querySelectorAll(".columns button").forEach((button) => { button.ariaPressed = "true"; });
});
