// An issuer of the npm package oidc-provider, whose refresh tokens can be used once.
//
// Arguments: the PEM files of its certificate and key. Its lines begin with `issuer: `, because the package prints too. The first is
// its URL. For each line `login` it prints the refresh token of a new login, and for each line `count` how many refreshes it answered
// and refused. It ends with its input.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';

const [certificate, key] = process.argv.slice(-2);
const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const url = `https://127.0.0.1:${server.address().port}`;

const client = 'kubernetes';
const scope = 'openid offline_access';
const provider = new Provider(url, {
    clients: [{
        client_id: client,
        client_secret: 's3cret-of-the-client',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['https://127.0.0.1/callback'],
    }],
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    rotateRefreshToken: true,
});
let answered = 0;
let refused = 0;
provider.on('grant.success', () => { answered += 1; });
provider.on('grant.error', () => { refused += 1; });
server.on('request', provider.callback());

async function login() {
    const grant = new provider.Grant({ accountId: 'jane', clientId: client });
    grant.addOIDCScope(scope);
    const token = new provider.RefreshToken({
        accountId: 'jane',
        client: await provider.Client.find(client),
        grantId: await grant.save(),
        gty: 'authorization_code',
        scope,
    });
    return token.save();
}

const print = (text) => console.log(`issuer: ${text}`);

print(url);
for await (const line of createInterface({ input: process.stdin })) {
    print(line === 'login' ? await login() : `${answered} ${refused}`);
}
process.exit();
