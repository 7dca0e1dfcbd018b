// <slide-deck>: shows the sections of its page one at a time. Without this script they stand one below the other.
(() => {
  class SlideDeck extends HTMLElement {
    connectedCallback() {
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.open(), { once: true });
      else this.open();
    }

    open() {
      if (this.slides) return;
      this.slides = [...document.querySelectorAll("article section section")].filter(section => section.querySelector(":scope > h2"));
      this.innerHTML = `<button type="button" class="present">Present</button>
        <nav aria-label="Slides" hidden><button type="button" data-by="-1" aria-label="Previous slide">‹</button>
        <output aria-live="polite"></output><button type="button" data-by="1" aria-label="Next slide">›</button>
        <button type="button" class="leave">Leave</button></nav>`;
      this.addEventListener("click", event => {
        const button = event.target.closest("button");
        if (!button) return;
        if (button.dataset.by) this.show(this.at + Number(button.dataset.by));
        else if (button.className === "present") this.show(0);
        else this.leave();
      });
      document.addEventListener("keydown", event => {
        if (this.at === undefined || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("summary, input, a")) return;
        if (event.key === " " && event.target.closest("button")) return;      // Space presses the button that has the focus
        const by = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 }[event.key];
        if (by) {
          event.preventDefault();
          this.show(this.at + by);
        } else if (event.key === "Escape") this.leave();
      });
    }

    show(at) {
      this.at = Math.min(Math.max(at, 0), this.slides.length - 1);
      document.documentElement.classList.add("presenting");
      for (const [i, slide] of this.slides.entries()) slide.classList.toggle("on", i === this.at);
      this.querySelector(".present").hidden = true;
      this.querySelector("nav").hidden = false;
      this.querySelector("output").textContent = `${this.at + 1} / ${this.slides.length}`;
      scrollTo(0, 0);
    }

    leave() {
      this.at = undefined;
      document.documentElement.classList.remove("presenting");
      this.querySelector(".present").hidden = false;
      this.querySelector("nav").hidden = true;
      this.querySelector(".present").focus();
    }
  }

  customElements.define("slide-deck", SlideDeck);
})();
