import { app } from './routes/app.ts';

export { Board } from './objects/board.ts';
export { Site } from './objects/site.ts';
export { Hook } from './objects/hook.ts';
export { User } from './objects/user.ts';
export default app;
