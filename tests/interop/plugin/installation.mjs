/** The installation of the plugin, as the host reads it (TOML). */
export function installationToml(apiUrl) {
  return `
    id = "acme-github"
    hosting = "self-hosted"
    api-url = "${apiUrl}"
    organization = "acme"
    credential = { token = { env = "GITHUB_TOKEN" } }
    webhook-secret = { env = "WEBHOOK_SECRET" }
    allow-plain-http = true
    allow-addresses = ["127.0.0.0/8"]
  `;
}
