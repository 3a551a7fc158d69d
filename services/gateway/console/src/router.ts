import { createRouter, createWebHistory } from "vue-router";
import { find, session } from "./api/session";
import { lists } from "./lib/filter";
import { mayLeave } from "./lib/unsaved";
import SignIn from "./views/SignIn.vue";
import Cases from "./views/Cases.vue";

// sited: what is shown is of one site, which the address names for whoever has several: so it can be sent, kept and opened beside another.
// first: of a site without a policy, too, whose first one is published here; working: there is nothing to show without a site.
export const router = createRouter({
  history: createWebHistory("/console/"),
  routes: [
    { path: "/", redirect: "/work" },
    { path: "/signin", name: "signin", component: SignIn, meta: { open: true } },
    { path: `/:list(${lists.join("|")})`, name: "cases", component: Cases, meta: { sited: true } },
    { path: "/case/:id([0-9A-Za-z_-]+)", name: "case", component: () => import("./views/Case.vue") },
    { path: "/elsewhere/:cell([0-9a-f]+)/:id([0-9]+)", name: "elsewhere", component: () => import("./views/Elsewhere.vue") },
    { path: "/reception", name: "reception", component: () => import("./views/Reception.vue"), meta: { sited: true, working: true } },
    { path: "/held", name: "held", component: () => import("./views/Held.vue"), meta: { sited: true, working: true } },
    { path: "/dispatch", name: "dispatch", component: () => import("./views/Dispatch.vue"), meta: { sited: true, working: true } },
    { path: "/figures", name: "figures", component: () => import("./views/Figures.vue"), meta: { sited: true } },
    { path: "/policies", name: "policies", component: () => import("./views/Policies.vue"), meta: { sited: true, first: true } },
    { path: "/audit", name: "audit", component: () => import("./views/Audit.vue"), meta: { sited: true } },
    { path: "/organisation/:part?", name: "organisation", component: () => import("./views/Organisation.vue") },
    { path: "/thing/:id([0-9A-Za-z_-]+)", name: "thing", component: () => import("./views/Thing.vue"), meta: { sited: true, working: true } },
    { path: "/account", name: "account", component: () => import("./views/Account.vue") },
    { path: "/:rest(.*)", name: "unknown", component: () => import("./views/Unknown.vue") },
  ],
});

router.beforeEach(async (to, from) => {
  const elsewhere = to.path !== from.path || (from.query.site && to.query.site && from.query.site !== to.query.site);
  if (elsewhere && session.signedIn && !mayLeave()) return false;
  if (!session.known) {
    try {
      await find();
    } catch {
      return to.meta.open ? true : { name: "signin", query: { next: to.fullPath } }; // the page says that nobody answers
    }
  }
  if (!session.signedIn && !to.meta.open) return { name: "signin", query: { next: to.fullPath } };
  if (session.signedIn && session.second_factor_needed && to.name !== "account" && !to.meta.open) return { name: "account" };
  return session.signedIn && to.name === "signin" && !to.hash.includes("code=") ? "/" : true;
});
