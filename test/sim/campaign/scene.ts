import { pick, seeded } from '../../support/mutate.ts';
import type { PhoneCall } from '../../support/virtual-call.ts';
import { excuse, swallowed } from './evidence.ts';
import { Place } from './place.ts';
import { begin, SHAPES, type Shape, type Trial } from './shapes.ts';

/** Trials of one scene: one place, one seed. */
export const TRIALS = 10;
/** The phones register first; then the calls begin within so long, ms. */
const REGISTERED = 40_000;
const BEGIN_WITHIN = 120_000;
/** After the last began: what still goes on is looked at while messages are still lost. The outbox may wait 30 s, a transaction 32 s. */
const SETTLED = 150_000;
/** Until all calls have ended, and until their last state is told when nothing is lost any more. */
const ENDED = 12 * 60_000;
const QUIET = 15 * 60_000;
/** A call of which nobody tells the end is ended by the hard cap: the longest that any state may be wrong. */
const HARD_CAP = 4 * 3_600_000;

/** What a scene came to. */
export interface SceneResult {
  readonly seed: number;
  readonly trials: number;
  readonly shapes: readonly Shape[];
  /** Calls that broke and that RFC 3261 could not save, with why. */
  readonly unsaved: readonly string[];
  /** What must not be. */
  readonly wrong: readonly string[];
}

/** Plays a scene: calls of all shapes with loss, doubling and reordering. The same seed plays the same scene. */
export function playScene(seed: number, shapes: readonly Shape[] = SHAPES): SceneResult {
  const chance = seeded(seed);
  const row = chance() < 0.2;
  const place = new Place({ seed, loss: 0.2, doubling: 0.1, workerLoss: 0.2, shims: row ? 3 : 1 });
  const trials = Array.from({ length: TRIALS }, (_, n) =>
    begin(place, pick(chance, shapes), n, REGISTERED + Math.floor(chance() * BEGIN_WITHIN), chance),
  );
  if (chance() < 0.2) {
    const [when, down, host] = [
      Math.floor(chance() * (REGISTERED + BEGIN_WITHIN)),
      500 + Math.floor(chance() * 15_000),
      pick(chance, place.shimHosts),
    ];
    place.after(when, () => place.kill(host, down));
  }
  const wrong: string[] = [];
  place.run(REGISTERED + BEGIN_WITHIN + SETTLED);
  for (const trial of trials) wrong.push(...untrue(place, trial));
  place.run(ENDED);
  place.calm();
  place.run(QUIET);
  const unsaved: string[] = [];
  for (const trial of trials) {
    for (const broken of breaks(trial)) {
      const why = excuse(place.packets, broken.callId, place.shimHosts);
      if (why === undefined) wrong.push(`${trial.shape}: ${broken.what}, and every message of it arrived`);
      else unsaved.push(`${trial.shape}: ${broken.what}: ${why}`);
    }
    // Both sides have gone, and none of them could say so: the hard cap is what is left.
    for (const text of unfinished(place, trial)) {
      const why = [...callIds(trial)]
        .map((callId) => excuse(place.packets, callId, place.shimHosts))
        .find((one) => one !== undefined);
      if (why === undefined) wrong.push(`${text} ${QUIET / 60_000} minutes after the end`);
      else unsaved.push(`${text}, until the hard cap: ${why}`);
    }
  }
  if (trials.some((trial) => unfinished(place, trial).length > 0)) place.run(HARD_CAP);
  for (const trial of trials) {
    wrong.push(...unfinished(place, trial));
    for (const callId of callIds(trial)) {
      for (const host of place.shimHosts) {
        const what = place.killed.has(host) ? undefined : swallowed(place.packets, callId, host);
        if (what !== undefined) wrong.push(`${trial.shape}: ${what}`);
      }
    }
  }
  for (const shim of place.shims) {
    const { calls } = shim.element.presence.tracker;
    wrong.push(...shim.defects.map((defect) => `a defect: ${String(defect)}`));
    if (calls.size > 0) wrong.push(`${calls.size} calls are left at a shim`);
    if (shim.element.presence.outbox.pending > 0) wrong.push('a shim has not told all');
  }
  return { seed, trials: TRIALS, shapes: trials.map(({ shape }) => shape), unsaved, wrong };
}

/** Users who are in a call in which no phone is any more, or are not there though they are, or the other way round. */
function unfinished(place: Place, { shape, parties }: Trial): string[] {
  return parties.flatMap(({ aor, leaves }) => {
    const seen = place.seen(aor);
    return seen === (leaves ? 'offline idle' : 'available idle') ? [] : [`${shape}: ${aor} is ${seen}`];
  });
}

const callsOf = ({ parties }: Trial): PhoneCall[] => parties.flatMap(({ phones }) => phones.flatMap(({ phone }) => phone.calls));
const callIds = (trial: Trial): Set<string> => new Set(callsOf(trial).map(({ callId }) => callId));

/** The calls of a trial that ended as they should not. */
function breaks(trial: Trial): { callId: string; what: string }[] {
  const calls = callsOf(trial);
  const first = trial.parties[0]?.phones[0]?.phone.calls[0];
  if (first === undefined) return [{ callId: '', what: 'no call was made' }];
  const found: { callId: string; what: string }[] = [];
  if (!trial.ends.test(first.end ?? ''))
    found.push({ callId: first.callId, what: `the caller's call: ${first.end ?? first.state}` });
  for (const call of calls) {
    const others = calls.filter((other) => other.callId === call.callId && other !== call);
    // A request that crosses the other side's BYE finds no call any more: that breaks nothing.
    const crossed = call.end === 'gone' && others.some(({ end }) => end?.startsWith('hung-up'));
    const script = call === first || trial.ends.test(call.end ?? '') || /^(hung-up|cancelled)/.test(call.end ?? '');
    if (!script && !crossed) found.push({ callId: call.callId, what: `${call.local}: ${call.end ?? call.state}` });
  }
  return found;
}

/** Users of calls that go on at both ends, whose state is not that of the call. */
function untrue(place: Place, { shape, parties }: Trial): string[] {
  const [one, other] = parties;
  if (one === undefined || other === undefined || shape !== 'long') return [];
  const [here] = one.phones[0]?.phone.calls ?? [];
  const there = other.phones[0]?.phone.calls.find((call) => call.callId === here?.callId);
  if (here?.state !== 'up' || there?.state !== 'up' || here.held !== there.held || here.changing || there.answer !== '')
    return [];
  const state = here.held ? 'held talking' : 'talking talking';
  return [one.aor, other.aor].flatMap((aor) =>
    place.seen(aor) === state ? [] : [`${shape}: ${aor} is ${place.seen(aor)}, not ${state}`],
  );
}
