import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFrame } from '../../worker/client/frame.ts';
import { newWatch, step } from '../../worker/client/watch-state.ts';

describe('Offhook client: frames of a watch', () => {
  it('takes those that it knows, and nothing for a frame that is none', () => {
    const presence = { user: 'sip:a@ex', version: 1 };
    const frames = [
      { type: 'snapshot', users: [], more: false, cursor: 'c' },
      {
        type: 'snapshot',
        users: [
          { user: 'sip:a@ex', presence: null },
          { user: 'sip:b@ex', presence },
        ],
        more: true,
        cursor: 'c',
      },
      { type: 'resumed', exact: true, cursor: 'c' },
      { type: 'change', presence, cursor: 'c' },
      { type: 'deleted', user: 'sip:a@ex', cursor: 'c' },
      { type: 'check', cursor: 'c' },
    ];
    for (const frame of frames) {
      expect(parseFrame(JSON.stringify(frame))).toEqual(frame);
      expect(parseFrame(JSON.stringify({ ...frame, cursor: undefined }))).toBeUndefined();
    }
    const none = [
      ...['pong', '{', '[]', 'null', '{"type":"snapshot"}', '{"type":"change"}', '{"type":"x","cursor":"c"}'],
      ...['{"type":"deleted","cursor":"c"}', '{"type":"change","cursor":"c"}', '{"type":"snapshot","cursor":"c"}'],
      ...['{"type":"snapshot","users":[null],"cursor":"c"}', '{"type":"snapshot","users":[{"user":"a"}],"cursor":"c"}'],
    ];
    for (const text of none) expect(parseFrame(text), text).toBeUndefined();
  });

  it('whatever comes, in whatever shape, nothing is thrown', () => {
    const part = fc.oneof(fc.constant(null), fc.record({ user: fc.string(), presence: fc.jsonValue() }), fc.jsonValue());
    const near = fc.record({
      type: fc.constantFrom('snapshot', 'change', 'deleted', 'resumed', 'check', 'end'),
      users: fc.oneof(fc.array(part), fc.jsonValue()),
      presence: fc.jsonValue(),
      cursor: fc.oneof(fc.string(), fc.jsonValue()),
    });
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.json(),
            fc.string(),
            near.map((value) => JSON.stringify(value)),
          ),
        ),
        (texts) => {
          let { state } = step(newWatch(undefined, true), { is: 'start' }, 0, 0);
          for (const text of texts) {
            const frame = parseFrame(text);
            if (frame !== undefined) ({ state } = step(state, { is: 'frame', frame }, 0, 0));
          }
        },
      ),
    );
  });
});
