with counted as (
    select customer, start_year as funding_year, start_period as period, 1 as starts, 0 as planned_ends, 0 as achieved
    from {{ ref('onefile_aims') }}
    union all
    select customer, planned_end_year, planned_end_period, 0, 1, 0
    from {{ ref('onefile_aims') }}
    union all
    select customer, achieved_year, achieved_period, 0, 0, 1
    from {{ ref('onefile_aims') }}
    where outcome = 'achieved'
)

select customer, funding_year, period, sum(starts) as starts, sum(planned_ends) as planned_ends, sum(achieved) as achieved
from counted
where funding_year is not null
group by customer, funding_year, period
