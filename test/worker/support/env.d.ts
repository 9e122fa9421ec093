/** The bindings of the Worker under test, with a secret that is there for certain. */
declare namespace Cloudflare {
  interface Env {
    readonly USER: DurableObjectNamespace<import('../../../worker/objects/user.ts').User>;
    readonly BOARD: DurableObjectNamespace<import('../../../worker/objects/board.ts').Board>;
    readonly SITE: DurableObjectNamespace<import('../../../worker/objects/site.ts').Site>;
    readonly HOOK: DurableObjectNamespace<import('../../../worker/objects/hook.ts').Hook>;
    readonly LIST: DurableObjectNamespace<import('../../../worker/objects/list-server.ts').ListServer>;
    readonly ACCESS: DurableObjectNamespace<import('../../../worker/objects/access.ts').Access>;
    readonly BOARD_SHARDS: string;
    readonly SITE_LEASE: string;
    readonly HISTORY_ENTRIES: string;
    readonly HISTORY_AGE: string;
    readonly OFFHOOK_SECRET: string;
  }
  interface GlobalProps {
    mainModule: typeof import('../../../worker/index.ts');
  }
}
/** Vite's: the files of a pattern, by path. */
interface ImportMeta {
  glob<T>(pattern: string, options: { query: '?raw'; import: 'default'; eager: true }): Record<string, T>;
}

declare module '*?raw' {
  const text: string;
  export default text;
}
