from catsdk.serve.gateway.config import GatewayConfig, GatewayLimits, Key, Rollouts
from catsdk.serve.gateway.serving import serving_gateway
from catsdk.serve.mcp.server import mcp_server
from catsdk.serve.rewards.rendezvous import GroupLimits
from catsdk.serve.rewards.server import serving

__all__ = [
    "GatewayConfig",
    "GatewayLimits",
    "GroupLimits",
    "Key",
    "Rollouts",
    "mcp_server",
    "serving",
    "serving_gateway",
]
