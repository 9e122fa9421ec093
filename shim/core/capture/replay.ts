import { canonicalAor, domainOf, isNumber, type SnapshotUpdate } from '#protocol';
import { Element, type ElementSettings } from '../element/element.ts';
import { Mirror, type MirrorSettings } from '../mirror/mirror.ts';
import type { Observed } from '../mirror/reorder.ts';
import type { Report } from '../outbox/types.ts';
import { Self } from '../proxy/self.ts';
import { advance, type Timed } from './advance.ts';
import { assumed } from './assumed.ts';

export interface ReplaySettings {
  readonly element: ElementSettings;
  /** `reorder` counts for nothing: the messages are in order. */
  readonly mirror: MirrorSettings;
  /** Domains of the users told of, in lower case; undefined for all. */
  readonly domains: ReadonlySet<string> | undefined;
  /** Only those are told of who register in the file; else whoever calls or is called from a phone counts as registered. */
  readonly registeredOnly: boolean;
}

export interface Replayed {
  /** What the Worker would have been told, in order. */
  readonly reports: readonly Report[];
  /** Who is known at the end, and what of. */
  readonly users: readonly ({ readonly user: string } & Pick<SnapshotUpdate, 'terminals' | 'calls'>)[];
  /** Users who did not register in the file, and were taken for registered. */
  readonly assumed: readonly string[];
  /** How many of what was passed over. */
  readonly skipped: ReadonlyMap<string, number>;
}

/** Shows messages to an element and a mirror of its own, with the time at which they were captured, and listens to what they would tell. */
export function replay(messages: readonly Observed[], settings: ReplaySettings): Replayed {
  let count = 0;
  const unique = () => `replay${count++}`;
  const element = new Element(settings.element, { self: new Self([], []), unique });
  const { location, presence } = element;
  const reports: Report[] = [];
  // Nothing is sent, so nothing has to wait.
  presence.outbox.add = (report) => {
    reports.push(report);
    return { ops: [], events: [] };
  };
  const userOf = (uri: string) => {
    const aor = canonicalAor(uri);
    return aor !== undefined && !isNumber(aor) && (settings.domains?.has(domainOf(aor)) ?? true) ? aor : undefined;
  };
  const taken = settings.registeredOnly ? [] : assumed(messages, userOf, settings.mirror.messages);
  for (const binding of taken) location.replace(binding.aor, [binding]);
  const mirror = new Mirror({ ...settings.mirror, reorder: 0 }, { location, presence, userOf, unique });
  let defects = 0;
  const guarded = (step: () => void) => {
    try {
      step();
    } catch {
      defects += 1;
    }
  };
  const clocks: Timed = {
    nextDeadline() {
      const [a, b] = [element.nextDeadline(), mirror.nextDeadline()];
      return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
    },
    expire: (now) =>
      guarded(() => {
        element.expire(now);
        mirror.expire(now);
      }),
  };
  let goes = true;
  for (const observed of messages) {
    // Behind a defect that comes again and again no time goes by: the messages still count.
    if (goes) goes = advance(clocks, observed.at);
    guarded(() => mirror.observe(observed, observed.at));
  }
  if (!goes) defects += 1;
  const end = messages.at(-1)?.at ?? 0;
  const skipped = new Map<string, number>();
  const { malformed, duplicates, foreign } = mirror.counters;
  for (const [what, many] of [
    ['message: malformed', malformed],
    ['message: seen before', duplicates],
    ['registration of another domain', foreign],
    ['message: defect of this program', defects],
  ] as const) {
    if (many > 0) skipped.set(what, many);
  }
  const users = [...new Set(presence.reporter.users())].sort();
  return {
    reports,
    users: users.map((user) => ({ user, ...presence.reporter.snapshot(user, end) })),
    assumed: taken.map(({ aor }) => aor),
    skipped,
  };
}
