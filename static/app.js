/* Enhancements only: every page works without this file. It is loaded at the start of <body>
   and in the open, because the vendor's components look for these two classes before paint. */
(function () {
  "use strict";
  var self = document.currentScript;
  document.body.classList.add("js-enabled");
  if ("noModule" in HTMLScriptElement.prototype) {
    document.body.classList.add("govuk-frontend-supported");
  }

  function start() {
    import(self.dataset.components).then(function (components) {
      components.initAll();
      document.querySelectorAll(".govuk-file-upload-button").forEach(nameAsSeen);
    });
    document.querySelectorAll("[data-copy]").forEach(offerCopy);
    document.querySelectorAll("[data-poll]").forEach(poll);
    document.querySelectorAll("[data-autosave]").forEach(autosave);
    document.querySelectorAll("[data-print]").forEach(offerPrint);
    nameErrorsInTitle();
  }

  /* The vendor hides a comma among the button's words, so that what is spoken is not what is
     seen (WCAG 2.5.3): take it out. */
  function nameAsSeen(button) {
    var comma = document.getElementById(button.id + "-comma");
    if (comma) comma.remove();
    button.setAttribute("aria-labelledby", button.id + "-label " + button.id);
  }

  /* A page that shows errors says so first in its title, for people who hear it. */
  function nameErrorsInTitle() {
    var summary = document.querySelector("[data-title-prefix]");
    if (summary && document.title.indexOf(summary.dataset.titlePrefix) !== 0) {
      document.title = summary.dataset.titlePrefix + " " + document.title;
    }
  }

  /* <button hidden data-copy="element-id" data-copied="Copied">: shown only where it works. */
  function offerCopy(button) {
    var source = document.getElementById(button.dataset.copy);
    if (!source || !navigator.clipboard) return;
    var label = button.textContent;
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(source.textContent.trim()).then(function () {
        button.textContent = button.dataset.copied || label;
        setTimeout(function () { button.textContent = label; }, 3000);
      });
    });
  }

  function offerPrint(button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  }

  /* <div data-poll="url">: the answer is {"partials": {"element-id": "html"}, "stop": bool,
     "next": url?}. The pause grows with the time waited and nothing is asked while hidden. */
  function poll(place) {
    var began = Date.now();
    function wait() {
      setTimeout(ask, Math.max(250 * Math.sqrt(Date.now() - began) - 1000, 1000));
    }
    function ask() {
      if (document.hidden) {
        document.addEventListener("visibilitychange", ask, { once: true });
        return;
      }
      fetch(place.dataset.poll, { headers: { Accept: "application/json" } })
        .then(function (response) {
          if (!response.ok) throw new Error(String(response.status));
          return response.json();
        })
        .then(function (answer) {
          Object.keys(answer.partials || {}).forEach(function (id) {
            var target = document.getElementById(id);
            if (target && target.innerHTML !== answer.partials[id]) {
              target.innerHTML = answer.partials[id];
            }
          });
          if (answer.next) window.location.assign(answer.next);
          else if (!answer.stop) wait();
        })
        .catch(wait);
    }
    wait();
  }

  /* <form data-autosave="url" data-saved="Saved at">: drafts only; the button still saves. */
  function autosave(form) {
    var note = form.querySelector("[data-autosave-status]");
    var last = new URLSearchParams(new FormData(form)).toString();
    function save() {
      var now = new URLSearchParams(new FormData(form)).toString();
      if (now === last) return;
      fetch(form.dataset.autosave, { method: "POST", body: new FormData(form) })
        .then(function (response) {
          if (!response.ok) return;
          last = now;
          if (note) {
            note.textContent = form.dataset.saved + " " + new Date().toLocaleTimeString(
              document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
          }
        })
        .catch(function () { /* offline: the next turn tries again, the button still works */ });
    }
    setInterval(save, 20000);
    form.addEventListener("focusout", function (event) {
      if (event.target.tagName === "TEXTAREA") save();
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
