// The one way to the gateway: /api/v1 and nothing else. Every answer that is no success becomes a Problem.
import { authHeaders, session, signedOut } from "./session";

export interface Label { zh: string; en: string }
export interface FieldProblem { field?: string; clause?: string; text?: Label }

export class Problem extends Error {
  status = 0;
  code = "";
  title = "";
  field = "";
  accepted: string[] = [];
  clauses: string[] = [];
  next: string[] = [];
  problems: FieldProblem[] = [];
  label?: Label;
}

interface Ask { query?: Record<string, string | number | undefined>; body?: unknown; ifMatch?: string; key?: string; signal?: AbortSignal; accept?: string; lastEvent?: string }
export interface Answer<T> { data: T; etag: string }

let language = "zh-CN";
export function speak(tag: string): void { language = tag; }

// What we wrote ourselves must be in what we read next.
let after = "";
export function forget(): void { after = ""; }

export function address(path: string, query: Ask["query"] = {}): string {
  const list = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") list.set(name, String(value));
  const text = list.toString();
  return `/api/v1${path}${text ? `?${text}` : ""}`;
}

export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join("");
}

function problemOfText(status: number, text: string, otherwise: string): Problem {
  const problem = new Problem();
  problem.status = status;
  try {
    const json = JSON.parse(text);
    Object.assign(problem, json);
    problem.message = json.detail || json.title || "";
    if (json.zh) problem.label = { zh: json.zh, en: json.en };
  } catch {
    problem.message = otherwise;
  }
  return problem;
}

/** The reply as it comes, for texts and streams. */
export async function send(method: string, path: string, ask: Ask = {}): Promise<Response> {
  const headers: Record<string, string> = { "Accept-Language": language, ...authHeaders(method !== "GET") };
  if (ask.accept) headers.Accept = ask.accept;
  if (ask.lastEvent) headers["Last-Event-ID"] = ask.lastEvent;
  if (after) headers["Hearback-After"] = after;
  if (ask.body !== undefined) headers["Content-Type"] = "application/json";
  if (ask.ifMatch) headers["If-Match"] = ask.ifMatch;
  if (ask.key) headers["Idempotency-Key"] = ask.key;
  let reply: Response;
  try {
    reply = await fetch(address(path, ask.query), { method, headers, body: ask.body === undefined ? undefined : JSON.stringify(ask.body), signal: ask.signal, cache: "no-store" });
  } catch (fault) {
    if (ask.signal?.aborted) throw fault;
    const problem = new Problem();
    problem.code = "unreachable";
    throw problem;
  }
  after = reply.headers.get("Hearback-After") ?? after;
  if (reply.ok) return reply;
  const problem = problemOfText(reply.status, await reply.text(), reply.statusText);
  if (reply.status === 401 && path !== "/session") signedOut();
  if (problem.code === "second_factor_needed") session.second_factor_needed = true; // demanded since he signed in
  throw problem;
}

/** One file, as it is. By XMLHttpRequest: fetch does not tell how much has gone. */
export function upload(path: string, file: File, key: string, gone: (share: number) => void): Promise<{ id: string }> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(path, { name: file.name }));
    const headers: Record<string, string> = { "Accept-Language": language, "Content-Type": file.type || "application/octet-stream", "Idempotency-Key": key, ...authHeaders(true) };
    if (after) headers["Hearback-After"] = after;
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = event => { if (event.lengthComputable) gone(event.loaded / event.total); };
    request.onerror = () => { const problem = new Problem(); problem.code = "unreachable"; failed(problem); };
    request.onload = () => {
      after = request.getResponseHeader("Hearback-After") ?? after;
      if (request.status < 300) { done(JSON.parse(request.responseText) as { id: string }); return; }
      if (request.status === 401) signedOut();
      failed(problemOfText(request.status, request.responseText, request.statusText));
    };
    request.send(file);
  });
}

// Characters that would let a text rearrange the page around it are left out, as the portal does; not of what is changed as a whole and sent back.
const REARRANGES = /[\u202a-\u202e\u2066-\u2069]/g;
function plain(path: string, text: string): string { return /^\/(organisation|policies)/.test(path) ? text : text.replace(REARRANGES, ""); }

export async function ask<T>(method: string, path: string, options: Ask = {}): Promise<Answer<T>> {
  const reply = await send(method, path, options);
  const text = plain(path, await reply.text());
  return { data: (text ? JSON.parse(text) : undefined) as T, etag: reply.headers.get("ETag") ?? "" };
}

export async function get<T>(path: string, query?: Ask["query"], signal?: AbortSignal): Promise<T> {
  return (await ask<T>("GET", path, { query, signal })).data;
}
