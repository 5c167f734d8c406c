import { z } from 'zod';

// Zod compiles object checks with `new Function` when it may; the page's Trusted Types forbid even the attempt.
// Read once when a schema is built, so this file is imported before any other.
z.config({ jitless: true });
