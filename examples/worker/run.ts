// Runs a command in a target and ends with its exit code: node run.js KEY COMMAND [ARGUMENT …]
import type { components, paths } from "dynamic-access";

declare const process: {
  argv: string[];
  env: Record<string, string | undefined>;
  exit(code: number | null): never;
};

type Target = components["schemas"]["Target"];
type Problem = components["schemas"]["Problem"];
type Wait = paths["/v1/targets/{id}/wait"]["get"]["parameters"]["query"];

const server = process.env.SERVER ?? "http://127.0.0.1:3000";
const authorization = `Bearer ${process.env.API_SECRET}`;

async function call(path: string, init?: RequestInit): Promise<Target> {
  const headers = { authorization, ...init?.headers };
  const response = await fetch(server + path, { ...init, headers });
  const body: Target | Problem = await response.json();
  if ("detail" in body) throw new Error(body.detail);
  return body;
}

async function run(key: string, command: string[]): Promise<number | null> {
  const order: components["schemas"]["Order"] = { environment: "worker", command };
  const headers = { "idempotency-key": key, "content-type": "application/json" };
  let target = await call("/v1/targets", { method: "POST", headers, body: JSON.stringify(order) });
  const wait: Wait = { for: "ended" };
  while (target.state !== "ended") {
    target = await call(`/v1/targets/${target.id}/wait?for=${wait.for}`);
  }
  return target.exitCode;
}

const [key = "", ...command] = process.argv.slice(2);
run(key, command).then((code) => process.exit(code));
