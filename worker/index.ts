import { app } from './routes/app.ts';

export { Access } from './objects/access.ts';
export { Board } from './objects/board.ts';
export { Hook } from './objects/hook.ts';
export { ListServer } from './objects/list-server.ts';
export { Site } from './objects/site.ts';
export { User } from './objects/user.ts';
export default app;
