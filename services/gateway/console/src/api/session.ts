// Who is signed in, and how requests prove it: all of that is here. A session is a cookie that no script can read, with a
// CSRF token for writes. A gateway without /api/v1/session takes a bearer token, kept in sessionStorage: gone with the tab.
import { reactive } from "vue";
import { ask, forget, Problem } from "./http";

export interface Post { post: string; department?: string; site?: string }
export interface Session { account: string; person: string; posts: Post[]; sites: string[]; scopes: string[]; language: string; csrf: string; second_factor: boolean; second_factor_needed: boolean; demonstration: boolean } // needed: nothing else is open before

const TOKEN = "hearback.token", PERSON = "hearback.person";
const nobody: Session = { account: "", person: "", posts: [], sites: [], scopes: [], language: "", csrf: "", second_factor: false, second_factor_needed: false, demonstration: false };

export const session = reactive({ ...nobody, known: false, signedIn: false, byToken: false, left: false }); // left: by himself

/** Told by the session; with a token alone the server says it. */
export function may(scope: string): boolean {
  return session.byToken || session.scopes.includes(scope) || session.scopes.includes("*");
}

export function authHeaders(writes: boolean): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN);
  if (token) return { Authorization: `Bearer ${token}` };
  return writes && session.csrf ? { "X-CSRF-Token": session.csrf } : {};
}

function take(given: Partial<Session>): void {
  Object.assign(session, nobody, given, { signedIn: true, known: true });
}

/** Also when the server says that the session has ended. */
export function signedOut(left = false): void {
  sessionStorage.removeItem(TOKEN);
  sessionStorage.removeItem(PERSON);
  forget();
  Object.assign(session, nobody, { signedIn: false, known: true, left });
}

/** With a token alone nobody says who holds it: whoever signs in does. */
export function iAm(person: string): void {
  session.person = person;
  sessionStorage.setItem(PERSON, person);
}

async function tokenGood(): Promise<boolean> {
  if (!sessionStorage.getItem(TOKEN)) return false;
  await ask("GET", "/policies");
  take({ person: sessionStorage.getItem(PERSON) ?? "" });
  return true;
}

/** Finds out who is signed in, and which way of signing in there is. */
export async function find(): Promise<void> {
  try {
    take((await ask<Session>("GET", "/session")).data);
    session.byToken = sessionStorage.getItem(TOKEN) !== null;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) return signedOut();
    if (problem.status !== 404) throw problem;
    session.byToken = true;
    if (!(await tokenGood())) signedOut();
  }
}

export async function signInWithToken(token: string): Promise<void> {
  sessionStorage.setItem(TOKEN, token.trim());
  try {
    await find();
  } catch (problem) {
    signedOut();
    throw problem;
  }
}

export async function signIn(account: string, password: string, code: string): Promise<void> {
  take((await ask<Session>("POST", "/session", { body: code ? { account, password, code } : { account, password } })).data);
}

/** `everywhere`: also on all other devices. A token is only forgotten. Throws when the server did not hear it: then the session
    goes on, and whoever believed otherwise would leave it open behind him. */
export async function signOut(everywhere = false): Promise<void> {
  try {
    if (!sessionStorage.getItem(TOKEN)) await ask("DELETE", everywhere ? "/sessions" : "/session");
  } catch (fault) {
    if (!(fault instanceof Problem) || fault.status !== 401) throw fault; // 401: it is over already
  }
  signedOut(true);
}

/** The first password, by the code that the administrator gave. */
export async function setUp(account: string, code: string, password: string): Promise<void> {
  await ask("POST", "/session/setup", { body: { account, code, password } });
}

/** Gives how many API tokens go on. */
export async function changePassword(old: string, password: string): Promise<number> {
  const { data } = await ask<{ tokens_left: number }>("PUT", "/session/password", { body: { old, password } });
  await find();
  return data.tokens_left;
}

export interface Enrolment { secret: string; uri: string; qr: string }
export async function beginTotp(): Promise<Enrolment> {
  return (await ask<Enrolment>("POST", "/session/totp")).data;
}

/** Gives the recovery codes, this once. */
export async function confirmTotp(code: string): Promise<string[]> {
  const { data } = await ask<{ recovery_codes: string[] }>("PUT", "/session/totp", { body: { code } });
  session.second_factor = true;
  return data.recovery_codes;
}

export async function endTotp(code: string): Promise<void> {
  await ask("DELETE", "/session/totp", { body: { code } });
  session.second_factor = false;
}
