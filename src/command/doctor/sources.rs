//! Where each rule is written down.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what a network does not say itself, HTTP says for all"
)]

use crate::command::doctor::Cdn;
use crate::command::doctor::finding::Rule;

/// The document behind `rule` for `cdn`.
pub(super) const fn of(rule: Rule, cdn: Cdn) -> &'static str {
    match cdn {
        Cdn::Akamai => akamai(rule),
        Cdn::Varnish => varnish(rule),
        Cdn::Nginx => nginx(rule),
        Cdn::Cloudfront => cloudfront(rule),
        Cdn::Fastly => fastly(rule),
    }
}

const fn akamai(rule: Rule) -> &'static str {
    match rule {
        Rule::Vary => "https://techdocs.akamai.com/property-mgr/docs/rm-vary-header",
        Rule::Tags | Rule::HeadSize => {
            "https://techdocs.akamai.com/purge-cache/docs/assign-cache-tags"
        }
        _ => general(rule),
    }
}

const fn varnish(rule: Rule) -> &'static str {
    match rule {
        Rule::NoSetCookie | Rule::Vary | Rule::Cacheable => {
            "https://varnish-cache.org/docs/trunk/users-guide/vcl-built-in-code.html"
        }
        Rule::Stale => "https://varnish-cache.org/docs/trunk/users-guide/vcl-grace.html",
        Rule::Tags | Rule::HeadSize => {
            "https://varnish-cache.org/docs/trunk/reference/varnishd.html"
        }
        _ => general(rule),
    }
}

const fn nginx(rule: Rule) -> &'static str {
    match rule {
        Rule::NoSetCookie | Rule::Vary | Rule::Cacheable => {
            "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_cache_valid"
        }
        Rule::Stale => {
            "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_cache_use_stale"
        }
        Rule::HeadSize => {
            "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffer_size"
        }
        Rule::Conditional => {
            "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_cache_revalidate"
        }
        Rule::Slices => "https://nginx.org/en/docs/http/ngx_http_slice_module.html",
        _ => general(rule),
    }
}

const fn cloudfront(rule: Rule) -> &'static str {
    match rule {
        Rule::Ranges | Rule::Slices | Rule::ContentLength => {
            "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RangeGETs.html"
        }
        Rule::Errors => {
            "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html"
        }
        Rule::Cacheable | Rule::Stale => {
            "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html"
        }
        Rule::Conditional | Rule::KeepAlive | Rule::Tls | Rule::NoSetCookie => {
            "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html"
        }
        _ => general(rule),
    }
}

const fn fastly(rule: Rule) -> &'static str {
    match rule {
        Rule::Tags => {
            "https://www.fastly.com/documentation/reference/http/http-headers/Surrogate-Key/"
        }
        Rule::HeadSize => {
            "https://www.fastly.com/documentation/reference/vcl/constraints-and-limitations/"
        }
        Rule::Slices | Rule::Ranges => {
            "https://support.fastly.com/hc/en-us/articles/360035441371-Segmented-Caching"
        }
        _ => general(rule),
    }
}

/// What HTTP itself asks of an origin behind a shared cache.
const fn general(rule: Rule) -> &'static str {
    match rule {
        Rule::Tls => "RFC 9110, 4.3.4",
        Rule::Http2 => "RFC 9113, 3.2",
        Rule::KeepAlive => "RFC 9112, 9.3",
        Rule::Date => "RFC 9110, 6.6.1",
        Rule::Status => "RFC 9110, 15.4",
        Rule::AgeAbsent => "RFC 9111, 5.1",
        Rule::ContentLength => "RFC 9110, 8.6",
        Rule::StrongEtag => "RFC 9110, 8.8.1",
        Rule::NoSetCookie => "RFC 6265, 3",
        Rule::Vary => "RFC 9111, 4.1",
        Rule::Cacheable => "RFC 9111, 3",
        Rule::CdnCacheControl => "RFC 9213, 2",
        Rule::Stale => "RFC 5861, 3 and 4",
        Rule::Tags => "Surrogate-Key and Cache-Tag as their networks document them",
        Rule::HeadSize => "RFC 9110, 5.4",
        Rule::Conditional => "RFC 9110, 15.4.5",
        Rule::Head => "RFC 9110, 9.3.2",
        Rule::Codings => "RFC 9110, 8.8.3.3",
        Rule::SameBytes => "RFC 9110, 8.8.1 and 2.5",
        Rule::Query => "CTA-5004, 4",
        Rule::Ranges | Rule::Slices => "RFC 9110, 14",
        Rule::IfRange => "RFC 9110, 13.1.5",
        Rule::Unsatisfiable => "RFC 9110, 15.5.17",
        Rule::Errors => "RFC 9111, 4.2.2",
    }
}
