import { describe, expect, it } from 'vitest';
import { Recent } from '../../shim/core/recent.ts';

describe('Offhook memory of what was worked out lately', () => {
  const counted = () => {
    const worked: string[] = [];
    const recent = new Recent((text) => {
      worked.push(text);
      return text === 'nothing' ? undefined : { text };
    }, 2);
    return { worked, recent };
  };

  it('is not worked out again', () => {
    const { worked, recent } = counted();
    const first = recent.of('a');
    expect(first).toEqual({ text: 'a' });
    expect(recent.of('a')).toBe(first);
    expect(worked).toEqual(['a']);
  });

  it('is forgotten when twice as much as one generation was asked for since, and kept while it is asked for', () => {
    const { worked, recent } = counted();
    for (const text of ['a', 'b', 'c', 'a', 'd', 'a', 'e', 'b']) recent.of(text);
    expect(worked).toEqual(['a', 'b', 'c', 'd', 'e', 'b']);
  });

  it('is what is short and comes to something: all else is worked out each time', () => {
    const { worked, recent } = counted();
    const long = 'x'.repeat(257);
    for (const text of ['nothing', 'nothing', long, long]) recent.of(text);
    expect(worked).toEqual(['nothing', 'nothing', long, long]);
  });
});
