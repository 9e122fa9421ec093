import { describe, expect, it } from 'vitest';
import { EventStream } from '../../worker/client/event-stream.ts';

describe('Offhook client: reading server-sent events (HTML 9.2.6)', () => {
  it('finds the same events wherever the text is cut', () => {
    const text =
      'retry: 1000\n\n: keep-alive\n\nevent: change\nid: a\ndata: {"x":1}\n\nevent: end\ndata: 1\ndata:2\n\nevent: none\n\n';
    const whole = new EventStream().take(text);
    expect(whole).toEqual([
      { event: 'change', id: 'a', data: '{"x":1}' },
      { event: 'end', id: 'a', data: '1\n2' },
    ]);
    for (let cut = 1; cut < text.length; cut++) {
      const stream = new EventStream();
      expect([...stream.take(text.slice(0, cut)), ...stream.take(text.slice(cut))]).toEqual(whole);
    }
  });

  it('does not keep an event without end', () => {
    const stream = new EventStream();
    expect(() => {
      for (let i = 0; i < 20; i++) stream.take('x'.repeat(1024 * 1024));
    }).toThrow('too long');
  });
});
