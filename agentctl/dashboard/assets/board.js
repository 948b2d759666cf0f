// Reads a page again without loading it: says what it has by ETag, keeps still where nothing changed,
// while nobody looks, or while somebody marks text; says so when the hub doesn't answer.
"use strict";
(() => {
  const live = document.getElementById("live");
  const stale = document.getElementById("stale");
  if (!live || !stale) return;
  let have = live.dataset.etag;

  const marking = () => {
    const marked = document.getSelection();
    return marked && !marked.isCollapsed && live.contains(marked.anchorNode);
  };

  document.body.addEventListener("htmx:configRequest", (event) => {
    if (document.hidden || marking()) event.preventDefault();
    else if (have) event.detail.headers["If-None-Match"] = have;
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const answer = event.detail.xhr;
    const good = answer.status === 200 || answer.status === 304;
    if (answer.status === 200) have = answer.getResponseHeader("ETag");
    stale.hidden = good;
  });
})();
