// A click on a heading sorts its table: by numbers where all cells start with one, else by text; – comes last.
const number = (text) => parseFloat(text.trim().replace("−", "-").replace(/^[<[]\s*/, ""));
const empty = (text) => text.trim() === "–" || text.trim() === "";

function sortBy(table, column, ascending) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, text: row.cells[column].textContent }));
  const numeric = rows.every(({ text }) => empty(text) || !Number.isNaN(number(text)));
  const order = (a, b) => (numeric ? number(a.text) - number(b.text) : a.text.localeCompare(b.text, "en", { numeric: true }));
  rows.sort((a, b) => empty(a.text) - empty(b.text) || (ascending ? order(a, b) : order(b, a)));
  body.append(...rows.map(({ row }) => row));
}

for (const table of document.querySelectorAll("table")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const ascending = heading.getAttribute("aria-sort") !== "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sortBy(table, column, ascending);
    });
  });
}

// On paper nothing is folded away.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
