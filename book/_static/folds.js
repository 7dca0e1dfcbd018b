/* A link to a check inside a closed disclosure opens it, in browsers that do not do so by themselves. */
(function () {
  function reveal() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    var opened = false;
    for (var box = target; box; box = box.parentElement) {
      if (box.tagName === "DETAILS" && !box.open) {
        box.open = opened = true;
      }
    }
    if (opened) {
      target.scrollIntoView();
    }
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
