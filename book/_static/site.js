/* What a page does beyond showing itself; without this it reads the same. */
(() => {
  const all = (selector, start = document) => [...start.querySelectorAll(selector)];
  const root = document.documentElement;

  // The button for the dark page; the choice is kept.
  const button = document.querySelector(".theme-button");
  if (button) {
    const show = () => button.setAttribute("aria-pressed", root.dataset.theme === "dark");
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch {}
      show();
    });
    show();
  }

  // A link to a section of this page closes the contents above it.
  const contents = document.getElementById("contents");
  contents?.addEventListener("click", event => {
    if (event.target.closest("a") && contents.matches(":popover-open")) contents.hidePopover();
  });

  // "/" and Ctrl-K lead to the search.
  addEventListener("keydown", event => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName);
    if ((event.key === "/" && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      const field = all("input[type=search]").find(one => one.offsetParent);
      if (field) field.focus(); else location.href = document.querySelector(".search-link").href;
    }
  });

  // The section that is being read is marked in the contents.
  const links = new Map(all('#contents li.current ul a[href^="#"]').map(a => [decodeURIComponent(a.hash.slice(1)), a]));
  if (links.size) {
    const seen = new Set();
    const watcher = new IntersectionObserver(entries => {
      for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target.id);
      const here = [...links.keys()].findLast(id => seen.has(id));
      for (const [id, a] of links) a.classList.toggle("here", id === here);
    }, { rootMargin: "-10% 0px -80%" });
    for (const id of links.keys()) {
      const section = document.getElementById(id);
      if (section) watcher.observe(section);
    }
  }

  // What scrolls sideways can be reached with the keyboard, and shows that it scrolls.
  const boxes = "div.formula, div.picture, div.highlight pre, .pst-scrollable-table-container, div.cell_output .text_html";
  const measure = box => {
    const row = box.parentElement.closest("div.math:has(.eqno)");
    row?.classList.remove("below");                        // the number of a wide formula gives way to it
    if (box.scrollWidth > box.clientWidth + 1) row?.classList.add("below");
    const wide = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("scrolls", wide);
    if (wide) box.tabIndex = 0; else box.removeAttribute("tabindex");
  };
  // Behind a root Chromium leaves room for the widest sign that the font has.
  const tighten = root => {
    const end = one => one.getBoundingClientRect().right;
    const room = end(root) - Math.max(...[...root.children].map(end));
    root.style.marginRight = `${-room / parseFloat(getComputedStyle(root).fontSize)}em`;
  };
  const near = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) (/^m/.test(target.tagName) ? tighten : measure)(target);
  }, { rootMargin: "200px" });
  const roots = all("msqrt, mroot");
  [...roots, ...all(boxes)].forEach(one => near.observe(one));
  document.fonts.addEventListener("loadingdone", () => roots.filter(one => one.style.marginRight).forEach(tighten));
  addEventListener("resize", () => all(boxes).forEach(measure));

  // A formula is copied as TeX.
  document.addEventListener("copy", event => {
    const selection = getSelection();
    if (!selection.rangeCount || /^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName)) return;
    const whole = node => (node.nodeType === 1 ? node : node.parentElement).closest("[data-tex], math");
    const range = selection.getRangeAt(0).cloneRange();
    const [first, last] = [whole(range.startContainer), whole(range.endContainer)];
    if (first) range.setStartBefore(first);
    if (last) range.setEndAfter(last);
    const part = range.cloneContents();
    const formulas = all("[data-tex], math[alttext]", part);
    if (!formulas.length) return;
    for (const formula of formulas) {
      const tex = formula.dataset.tex ?? formula.getAttribute("alttext");
      const display = formula.tagName === "DIV" || formula.getAttribute("display") === "block";
      formula.replaceWith(display ? `$$${tex}$$` : `$${tex}$`);
    }
    const holder = document.body.appendChild(document.createElement("div"));
    holder.append(part);
    event.clipboardData.setData("text/plain", holder.innerText);
    holder.remove();
    event.preventDefault();
  });

  // Code is copied with a button.
  for (const box of all("div.cell_input div.highlight, div.highlight-python div.highlight")) {
    box.addEventListener("pointerenter", () => {
      const copy = box.appendChild(document.createElement("button"));
      copy.type = "button";
      copy.className = "copy";
      copy.textContent = "Copy";
      copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(box.querySelector("pre").innerText);
        copy.textContent = "Copied";
      });
    }, { once: true });
  }

  // The ledger shows the results that hold the words of the filter.
  const ledger = document.querySelector("table.ledger");
  if (ledger) {
    const rows = all("tbody tr", ledger).map(row => [row, row.textContent.toLowerCase()]);
    const form = document.createElement("div");
    form.className = "ledger-filter";
    form.innerHTML = `<label for="ledger-filter">Show results with</label>
      <input id="ledger-filter" type="search" autocomplete="off"> <span role="status"></span>`;
    ledger.parentElement.before(form);
    const said = form.querySelector("[role=status]");
    form.querySelector("input").addEventListener("input", event => {
      const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const [row, text] of rows) count += !(row.hidden = !words.every(word => text.includes(word)));
      said.textContent = words.length ? `${count} of ${rows.length}` : "";
    });
  }

  // On paper no part of the argument is folded: proofs and solutions open, code stays folded.
  addEventListener("beforeprint", () => {
    roots.forEach(tighten);
    for (const one of all("details.proof:not([open]), details.solution:not([open])")) { one.open = true; one.dataset.printed = ""; }
  });
  addEventListener("afterprint", () => {
    for (const one of all("details[data-printed]")) { one.open = false; delete one.dataset.printed; }
  });
})();
