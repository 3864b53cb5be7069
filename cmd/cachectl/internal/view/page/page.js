(function () {
  "use strict";
  var filter = document.getElementById("filter");
  if (!filter) { return; }
  document.querySelector(".filter").hidden = false;
  filter.addEventListener("input", function () {
    var wanted = filter.value.toLowerCase();
    document.querySelectorAll(".line").forEach(function (line) {
      line.classList.toggle("gone", line.dataset.text.toLowerCase().indexOf(wanted) < 0);
    });
  });
})();
