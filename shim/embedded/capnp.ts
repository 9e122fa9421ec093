import type { WorkerConfig } from './wrangler.ts';

/** Where the parts of the embedded Worker are. */
export interface Placement {
  /** `127.0.0.1:8787` or `[::1]:8787`; port 0 takes a free one. */
  readonly listen: string;
  /** The bundled Worker, beside the configuration file. */
  readonly module: string;
  /** Folder of the objects' SQLite files, absolute. */
  readonly storage: string;
  /** Environment variables that become text bindings of the same name: secrets, which so are in no file. */
  readonly secrets: readonly string[];
}

/** The name of the listening socket in workerd's reports. */
export const SOCKET = 'http';

/**
 * The configuration of workerd (Cap'n Proto text, schema workerd.capnp) for a Worker. Keys of the object namespaces are
 * made of the class names alone: they name the storage folders, so they must never change.
 */
export function workerdConfig(worker: WorkerConfig, place: Placement): string {
  const bindings = [
    ...worker.objects.map((row) => `(name = ${quote(row.binding)}, durableObjectNamespace = ${quote(row.className)})`),
    ...Object.entries(worker.vars).map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`),
    ...place.secrets.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
  ];
  const namespaces = worker.objects.map(
    ({ className }) => `(className = ${quote(className)}, uniqueKey = ${quote(`offhook-${className}`)}, enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "storage", disk = (path = ${quote(place.storage)}, writable = true)),
    (name = "internet", network = (allow = ${words(reach(worker))}, tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = ${quote(SOCKET)}, address = ${quote(place.listen)}, http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed ${quote(place.module)})],
  compatibilityDate = ${quote(worker.compatibilityDate)},
  compatibilityFlags = ${list(worker.compatibilityFlags.map(quote))},
  bindings = ${list(bindings)},
  durableObjectNamespaces = ${list(namespaces)},
  durableObjectStorage = (localDisk = "storage"),
);
`;
}

/**
 * What the Worker's own requests (webhooks) may reach: workerd looks at the addresses that a name resolves to, so no name leads to a private one. "private" takes in
 * loopback.
 */
function reach({ vars }: WorkerConfig): readonly string[] {
  return vars.WEBHOOK_ALLOW_PRIVATE === 'on' ? ['public', 'private'] : ['public'];
}

const words = (items: readonly string[]) => `[${items.map(quote).join(', ')}]`;

const list = (items: readonly string[]) => (items.length === 0 ? '[]' : `[\n    ${items.join(',\n    ')},\n  ]`);

/** A Cap'n Proto text literal: C escapes for quote, backslash and the control characters of ASCII. */
function quote(value: string): string {
  const hex = (char: string) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  const escaped = value.replace(/["\\]/g, '\\$&').replace(/\p{Cc}/gu, (char) => (char <= '\x7f' ? hex(char) : char));
  return `"${escaped}"`;
}
