import { type ChildProcess, spawn } from 'node:child_process';

/**
 * workerd lives on when its parent is killed hard (it does not look at the control descriptor), and would keep the port and the
 * storage. So a shell waits at the other end of a pipe: a word in it means that all is well; its end without a word means that
 * this process is gone, and the shell ends workerd by its pid.
 */
const SCRIPT = 'read -r word && exit 0; kill -TERM "$1" 2>/dev/null && sleep 1 && kill -KILL "$1" 2>/dev/null; exit 0';

export interface Watchdog {
  /** To be called as soon as the watched process has ended, before its pid can be another's. */
  release(): void;
}

/** Sees to it that `pid` does not outlive this process. On Windows, where there is no sh, it does nothing. */
export function watch(pid: number): Watchdog {
  if (process.platform === 'win32') return { release() {} };
  const shell: ChildProcess = spawn('/bin/sh', ['-c', SCRIPT, 'offhook-watchdog', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: {},
  });
  // Without a shell there is no watchdog; everything else works.
  shell.on('error', () => {});
  shell.stdin?.on('error', () => {});
  shell.unref();
  return { release: () => shell.stdin?.end('done\n') };
}
