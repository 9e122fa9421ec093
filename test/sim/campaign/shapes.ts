import type { PhoneCall } from '../../support/virtual-call.ts';
import type { PhoneSettings } from '../../support/virtual-phone.ts';
import type { Place, Placed } from './place.ts';

/** A user of one trial, with his phones. */
export interface Party {
  readonly aor: string;
  readonly phones: readonly Placed[];
  /** Leaves the network, or lets his registration end: what he is at the end. */
  readonly leaves?: true;
}

/** One call, or a few that belong together, of one shape. */
export interface Trial {
  readonly shape: Shape;
  readonly parties: readonly Party[];
  /** How the call that the first party made ends, where nothing breaks it. */
  readonly ends: RegExp;
}

export const SHAPES = [
  ...([
    'plain',
    'delayed-offer',
    'cancelled',
    'busy',
    'unanswered',
    'rejected',
    'ended-by-callee',
    'forked',
    'hold',
    'update',
  ] as const),
  ...([
    'reliable',
    'session-timer',
    'waiting',
    'glare',
    'blind-transfer',
    'attended-transfer',
    'unregistered',
    'vanished',
    'long',
  ] as const),
] as const;
export type Shape = (typeof SHAPES)[number];

const TALKED = /^hung-up/;
const MINUTE = 60_000;
/** How long a call of that shape is kept: beyond the moment at which all states are looked at. */
const LONG = 7 * MINUTE;

interface Plan {
  readonly caller?: Partial<PhoneSettings>;
  readonly callee?: Partial<PhoneSettings>;
  readonly phones?: number;
  readonly third?: true;
  readonly talk?: number;
  readonly patience?: number;
  readonly ends?: RegExp;
  readonly leaves?: 'caller' | 'callee';
  /** What happens in the call, some seconds after it began. */
  readonly during?: (scene: Scene) => void;
}

interface Scene {
  readonly place: Place;
  readonly caller: Placed;
  readonly callee: readonly Placed[];
  readonly third: Placed | undefined;
  readonly aors: { readonly caller: string; readonly callee: string; readonly third: string };
  readonly chance: () => number;
}

const up = (placed: Placed | undefined): PhoneCall | undefined => placed?.phone.calls.find((call) => call.state === 'up');
const answered = ({ callee }: Scene): Placed | undefined => callee.find((placed) => up(placed) !== undefined);

/** That side puts on hold, and takes back a few seconds later where `resume` says so. */
function holds({ place }: Scene, who: Placed | undefined, resume = true): void {
  const offer = (held: boolean) =>
    who?.act((phone, now) => {
      const call = up(who);
      return call ? phone.offer(call, held, now) : [];
    });
  offer(true);
  if (resume) place.after(8000, () => offer(false));
}

const PLANS: { readonly [shape in Shape]: Plan } = {
  plain: {},
  'delayed-offer': { caller: { delayedOffer: true } },
  cancelled: { callee: { answers: 'never' }, patience: 3000, ends: /^cancelled/ },
  busy: { callee: { answers: 'busy' }, ends: /^refused 486/ },
  unanswered: { callee: { answers: 'never' }, patience: 40_000, ends: /^cancelled/ },
  rejected: { callee: { answers: 'rejects' }, ends: /^refused 603/ },
  'ended-by-callee': {
    talk: LONG,
    during: (scene) => {
      const who = answered(scene);
      who?.act((phone, now) => {
        const call = up(who);
        return call ? phone.hangUp(call, now) : [];
      });
    },
  },
  // Two or three phones ring; where they answer at about the same time, one of them is late.
  forked: { phones: 3, callee: { answers: 2000 }, talk: 30_000 },
  hold: { talk: 60_000, during: (scene) => holds(scene, scene.chance() < 0.5 ? scene.caller : answered(scene)) },
  update: {
    talk: 30_000,
    caller: { session: 1800 },
    callee: { session: 1800 },
    during: ({ caller }) =>
      caller.act((phone, now) => {
        const call = up(caller);
        return call ? phone.refresh(call, now) : [];
      }),
  },
  reliable: { callee: { reliable: true, answers: 6000 } },
  'session-timer': { caller: { session: 90 }, callee: { session: 90 }, talk: 4 * MINUTE },
  // The callee puts his caller on hold and takes another's call.
  waiting: {
    third: true,
    talk: 90_000,
    during: (scene) => {
      holds(scene, answered(scene), false);
      scene.place.after(3000, () =>
        scene.third?.act((phone, now) => phone.call(scene.aors.callee, now, { talk: 15_000, patience: 20_000 })),
      );
    },
  },
  glare: {
    talk: 60_000,
    during: (scene) => {
      holds(scene, answered(scene));
      holds(scene, scene.caller);
    },
  },
  'blind-transfer': {
    third: true,
    talk: 3 * MINUTE,
    during: ({ caller, aors }) =>
      caller.act((phone, now) => {
        const call = up(caller);
        return call ? phone.transfer(call, aors.third, now) : [];
      }),
  },
  // The caller asks a third, then puts the callee through to him.
  'attended-transfer': {
    third: true,
    talk: 3 * MINUTE,
    during: (scene) => {
      const { caller, aors, place } = scene;
      const first = up(caller);
      holds(scene, caller, false);
      caller.act((phone, now) => phone.call(aors.third, now, { talk: 3 * MINUTE, patience: 20_000 }));
      place.after(15_000, () => {
        const second = caller.phone.calls.find((call) => call.state === 'up' && call !== first);
        if (first && second) caller.act((phone, now) => phone.transfer(first, aors.third, now, second));
      });
    },
  },
  unregistered: {
    callee: { expires: 60 },
    talk: LONG,
    leaves: 'callee',
    during: ({ callee }) => {
      for (const { phone } of callee) phone.forgetRegistration();
    },
  },
  vanished: {
    callee: { expires: 120 },
    talk: 2 * MINUTE,
    leaves: 'callee',
    ends: /./,
    during: ({ callee }) => {
      for (const placed of callee) placed.vanish();
    },
  },
  long: { talk: LONG, during: (scene) => scene.chance() < 0.5 && holds(scene, scene.caller, false) },
};

/** Registers the phones of a trial now and has its call begin `after` ms from now. */
export function begin(place: Place, shape: Shape, n: number, after: number, chance: () => number): Trial {
  const {
    caller: own,
    callee: other,
    phones = 1,
    third,
    talk = 5000 + 25_000 * chance(),
    patience = 30_000,
    ...plan
  } = PLANS[shape];
  const names = { caller: `c${n}`, callee: `d${n}`, third: `e${n}` };
  const aors = {
    caller: place.aor(names.caller, 'near'),
    callee: place.aor(names.callee, 'far'),
    third: place.aor(names.third, 'far'),
  };
  const caller = place.phone(names.caller, 'near', own);
  const count = phones > 1 ? 2 + Math.floor(chance() * (phones - 1)) : 1;
  const callee = Array.from({ length: count }, (_, i) => {
    const answers = typeof other?.answers === 'number' ? other.answers + i * Math.floor(chance() * 150) : other?.answers;
    return place.phone(names.callee, 'far', { ...other, ...(answers === undefined ? {} : { answers }) });
  });
  const scene: Scene = { place, caller, callee, third: third && place.phone(names.third, 'far'), aors, chance };
  place.after(after, () => {
    caller.act((phone, now) => phone.call(aors.callee, now, { talk: Math.round(talk), patience }));
    const { during } = plan;
    if (during) place.after(10_000, () => during(scene));
  });
  return {
    shape,
    ends: plan.ends ?? TALKED,
    parties: [
      { aor: aors.caller, phones: [caller] },
      { aor: aors.callee, phones: callee, ...(plan.leaves === 'callee' ? { leaves: true as const } : {}) },
      ...(scene.third ? [{ aor: aors.third, phones: [scene.third] }] : []),
    ],
  };
}
