import { env } from 'cloudflare:workers';
import { boardOf, boardsOf, shardCount } from '../../../worker/objects/shard.ts';

/** The object of a user. */
export function userObject(user: string) {
  return env.USER.getByName(user);
}

/** The board that lists a user. */
export function boardObject(user: string) {
  return env.BOARD.getByName(boardOf(user, shardCount(env.BOARD_SHARDS)));
}

/** All boards of a domain. */
export function boardObjects(domain: string) {
  return boardsOf(domain, shardCount(env.BOARD_SHARDS)).map((name) => env.BOARD.getByName(name));
}
