/** How esbuild makes one ES module of `offhook/client`, for browsers, Node 20, Deno and Workers alike: it needs nothing. */
export const CLIENT_BUNDLE = {
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  legalComments: 'none',
} as const;
