{%- set since = dbt.dateadd('day', -7 * var('onefile_weeks_of_reviews'), onefile.today()) -%}
select
    customer, review_id, learner_id, learner, organisation, status, assessor_id, assessor, employer_id, employer, held_on,
    reason, minutes_apart, has_employer_signed
from {{ ref('onefile_reviews') }}
where in_learning
    and held_on between {{ since }} and {{ onefile.today() }}
    and (reason is not null or not has_employer_signed)
