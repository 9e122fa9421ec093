import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import * as places from '../../../worker/objects/places.ts';
import { boardOf, boardsOf, listServersOf, shardCount } from '../../../worker/objects/shard.ts';

/** The object of a user. */
export function userObject(user: string) {
  return places.userObject(env, user);
}

/** The board that lists a user. */
export function boardObject(user: string) {
  return places.boardObject(env, boardOf(user, shardCount(env.BOARD_SHARDS)));
}

/** Makes a method of one object answer nothing until the returned function is called; then it does what it was asked for. */
export async function hang(object: DurableObjectStub, method: string): Promise<() => void> {
  let hanging = true;
  const patch = (instance: object) => {
    const methods = Object.getPrototypeOf(instance) as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const own = methods[method];
    methods[method] = async function (this: object, ...args) {
      while (hanging && this === instance) await scheduler.wait(5);
      return own?.apply(this, args);
    };
  };
  await runInDurableObject(object, (instance) => patch(instance));
  return () => {
    hanging = false;
  };
}

/** All boards of a domain. */
export function boardObjects(domain: string) {
  return boardsOf(domain, shardCount(env.BOARD_SHARDS)).map((name) => places.boardObject(env, name));
}

/** The list server of a domain. */
export function listServer(domain: string) {
  const [name] = listServersOf(domain, 1) as [string];
  return places.listServerObject(env, name);
}

/** Has a method of one object do something else, as if there were no room, or as if it failed. */
export async function replace(object: DurableObjectStub, method: string, act: () => unknown): Promise<void> {
  await runInDurableObject(object, (instance) => {
    const methods = Object.getPrototypeOf(instance) as Record<string, (...args: unknown[]) => unknown>;
    const own = methods[method];
    methods[method] = function (this: object, ...args) {
      return this === instance ? act() : own?.apply(this, args);
    };
  });
}
