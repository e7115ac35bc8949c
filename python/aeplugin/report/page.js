// Comfort only: everything on the page works without.
addEventListener("keydown", event => {
  const open = document.querySelector("figure:target");
  if (!open || event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input")) return;
  const link = { Escape: ".close", ArrowLeft: ".previous", ArrowRight: ".next" }[event.key];
  const target = link && open.querySelector(link);
  if (target) { event.preventDefault(); location.hash = target.hash; }
});
addEventListener("beforeprint", () => {
  document.querySelectorAll("img").forEach(image => { image.loading = "eager"; });
  document.querySelectorAll("details.recipe").forEach(details => { details.open = true; });
});
