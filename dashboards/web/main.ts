import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import { createApp } from 'vue';
import App from './app.vue';
import { router } from './router.ts';

createApp(App).use(router).mount('#app');
