import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { MARK_LENGTH } from '../../worker/objects/mark.ts';
import { Readers } from '../../worker/objects/readers.ts';
import { Trunk } from '../../worker/objects/trunk.ts';
import type { Begun } from '../../worker/objects/watch-query.ts';
import { numberOf, VirtualBoards, VirtualSocket } from './support/virtual-boards.ts';

/** Watchers of a domain at one list server, over a virtual network. */
class World {
  readonly domain: VirtualBoards;
  readonly clients: VirtualSocket[] = [];
  readonly readers = new Readers((socket) => this.trunk.leave(socket));
  readonly trunk: Trunk;
  /** Requests of the trunk for sockets, not answered yet. */
  readonly asked: { marks: readonly string[]; answer: (watch: ReturnType<VirtualBoards['open']> | undefined) => void }[] = [];
  now = 0;

  constructor(boards: number) {
    this.domain = new VirtualBoards(boards);
    this.trunk = new Trunk(
      this.domain.head,
      this.readers,
      (marks) => new Promise((answer) => this.asked.push({ marks: [...marks], answer })),
      () => this.now,
    );
  }

  admit(marks?: readonly string[]): void {
    const client = new VirtualSocket();
    this.clients.push(client);
    this.readers.accept(client.socket);
    this.trunk.admit(client.socket, this.domain.open(marks));
  }

  async answer(begun: Begun | undefined): Promise<void> {
    const next = this.asked.shift();
    next?.answer(begun && { ...this.domain.open(next.marks), begun });
    // The answer goes through a few promises.
    for (let n = 0; n < 5; n++) await Promise.resolve();
  }

  /** Everything arrives. */
  async settle(): Promise<void> {
    for (let left = 1; left > 0; ) {
      while (this.asked.length > 0) await this.answer('exact');
      left = 0;
      for (const socket of this.domain.sockets) {
        left += socket.waiting.length;
        socket.deliver();
      }
    }
  }
}

interface Told {
  readonly type: string;
  readonly presence?: { readonly version: number };
  readonly cursor: string;
}

const frames = (client: VirtualSocket) => client.sent.map((text) => JSON.parse(text) as Told);
const marksOf = ({ cursor }: Told): string[] => cursor.slice(17).match(new RegExp(`.{${MARK_LENGTH}}`, 'g')) ?? [];

/** Holds what one client was told against its own cursors: each frame moves one board on, by one. Where each board stands in the end. */
function numbersOf(client: VirtualSocket, boards: number): number[] {
  let at: (number | undefined)[] = new Array(boards).fill(undefined);
  for (const frame of frames(client)) {
    if (frame.type === 'check') continue;
    const marks = marksOf(frame);
    const next = marks.map((mark) => (mark === 'A'.repeat(MARK_LENGTH) ? undefined : numberOf(mark)));
    if (frame.type === 'change') {
      const moved = next.flatMap((seq, board) => (seq === at[board] ? [] : [board]));
      expect(moved, frame.cursor).toHaveLength(1);
      const [board] = moved as [number];
      expect(next[board], 'each number once').toBe((at[board] as number) + 1);
      expect(frame.presence?.version).toBe(next[board]);
    }
    at = next;
  }
  return at as number[];
}

type Op = { op: 'change' | 'deliver' | 'leave' | 'admit' | 'resume' | 'answer' | 'refuse' | 'lose' | 'later'; n: number };
const op = fc.record({
  op: fc.oneof(
    { weight: 12, arbitrary: fc.constant('change' as const) },
    { weight: 30, arbitrary: fc.constant('deliver' as const) },
    { weight: 5, arbitrary: fc.constantFrom('admit' as const, 'answer' as const, 'resume' as const) },
    { weight: 1, arbitrary: fc.constantFrom('leave' as const, 'refuse' as const, 'lose' as const, 'later' as const) },
  ),
  n: fc.nat(1000),
});

async function play(world: World, { op, n }: Op): Promise<void> {
  const { domain, clients } = world;
  const pick = <T>(list: readonly T[]): T | undefined => list[n % Math.max(1, list.length)];
  if (op === 'change') pick(domain.boards)?.change();
  else if (op === 'deliver') pick(domain.sockets)?.deliver();
  else if (op === 'admit') world.admit();
  else if (op === 'answer') await world.answer('exact');
  else if (op === 'refuse') await world.answer(undefined);
  else if (op === 'lose') pick(domain.sockets)?.lose();
  else if (op === 'later') world.now += 1000;
  else {
    const client = pick(clients);
    if (client === undefined) return;
    if (op === 'leave') world.readers.close(client.socket, 1000, '');
    const last = frames(client).findLast(({ type }) => type !== 'check');
    const marks = last && marksOf(last);
    if (op === 'resume' && marks !== undefined && !marks.includes('A'.repeat(MARK_LENGTH))) world.admit(marks);
  }
}

const { watcherBurst, watcherAsk, boardUnread } = OBJECT_LIMITS;
afterEach(() => {
  Object.assign(OBJECT_LIMITS, { watcherBurst, watcherAsk, boardUnread });
});

describe('RFC 4662 a list server: the trunk of a domain', () => {
  it('tells every watcher each change of each board once and in order, whatever comes first, goes or is lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 4 }), fc.array(op, { minLength: 60, maxLength: 200 }), async (boards, ops) => {
        const world = new World(boards);
        for (const step of ops) await play(world, step);
        await world.settle();
        for (const client of world.clients) {
          const told = numbersOf(client, boards);
          if (!client.closed) expect(told).toEqual(world.domain.boards.map(({ seq }) => seq));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has one socket at each board however many watch, and none when nobody does', async () => {
    const world = new World(3);
    world.admit();
    await world.settle();
    expect([world.asked.length, world.domain.sockets.length]).toEqual([0, 3]);
    for (let n = 0; n < 20; n++) world.admit();
    await world.settle();
    expect(world.domain.sockets).toHaveLength(3);
    for (const board of world.domain.boards) board.change();
    await world.settle();
    for (const client of world.clients) expect(numbersOf(client, 3)).toEqual([1, 1, 1]);
    for (const client of world.clients) world.readers.close(client.socket, 1000, '');
    expect(world.domain.sockets).toEqual([]);
  });

  it('closes whoever follows it when a board is lost, so that they come again, and nobody else', async () => {
    const world = new World(2);
    world.admit();
    world.admit();
    await world.settle();
    const [trunk] = world.domain.sockets as [VirtualSocket];
    world.admit();
    trunk.lose();
    expect(world.clients.map(({ closed }) => closed)).toEqual([true, true, false]);
    world.domain.boards[0]?.change();
    await world.settle();
    expect(numbersOf(world.clients[2] as VirtualSocket, 2)).toEqual([1, 0]);
  });

  it('cuts whoever has not read an old snapshot where new ones take the room, though nothing changes', () => {
    Object.assign(OBJECT_LIMITS, { watcherAsk: 1, boardUnread: 100 });
    const world = new World(1);
    for (const late of [true, false]) {
      world.admit();
      for (const socket of world.domain.sockets) socket.deliver();
      expect(world.clients.map(({ closed }) => closed)).toEqual(late ? [false] : [true, false]);
      world.now += OBJECT_LIMITS.watcherAnswer;
    }
  });

  it.each([undefined, 'newest', 'snapshot'] as const)(
    'is not followed where it cannot be opened without a gap (%s), and is tried again, but not at once',
    async (begun) => {
      const world = new World(2);
      world.admit();
      world.admit();
      for (const socket of world.domain.sockets) socket.deliver();
      expect(world.asked).toHaveLength(1);
      await world.answer(begun);
      const change = () => {
        world.domain.boards[0]?.change();
        for (const socket of world.domain.sockets) socket.deliver();
      };
      change();
      expect([world.asked.length, world.domain.sockets.length]).toEqual([0, 4]);
      world.now += 1000;
      change();
      expect(world.asked).toHaveLength(1);
      await world.settle();
      expect(world.domain.sockets).toHaveLength(2);
      for (const client of world.clients) expect(numbersOf(client, 2)).toEqual([2, 0]);
    },
  );

  it.each([true, false])(
    'cuts nobody for a burst that a board has announced, as where a site is lost (%s)',
    async (announced) => {
      Object.assign(OBJECT_LIMITS, { watcherBurst: 2000 });
      const world = new World(2);
      world.admit();
      world.admit();
      await world.settle();
      world.admit();
      const [board] = world.domain.boards as [(typeof world.domain.boards)[0]];
      if (announced) board.expect(5000);
      for (let n = 0; n < 50; n++) board.change();
      await world.settle();
      expect(world.clients.map(({ closed }) => closed)).toEqual(world.clients.map(() => !announced));
      if (announced) for (const client of world.clients) expect(numbersOf(client, 2)).toEqual([50, 0]);
    },
  );
});
